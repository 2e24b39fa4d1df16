# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whom selectors of policies can mean: peers of the scope, of its network, and of what that is peered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .namespace import Namespace
from .network import Network
from .peer import Peer
from .peering import reach
from .policy import Policy
from .selector import Selector, selects

Labels = Mapping[str, str]


class Neighbourhood(NamedTuple):
    """reached: network → those whose namespaces can be selected from it. home: namespace → network.

    namespaces: network → its namespaces, each a name with its labels. peers: namespace → the labels of its peers.
    """

    reached: Mapping[str, frozenset[str]]
    home: Mapping[str, str]
    namespaces: Mapping[str, Sequence[tuple[str, Labels]]]
    peers: Mapping[str, Sequence[Labels]]

    def network(self, policy: Policy) -> str | None:
        """The name of a policy's network; None: there is no such network."""
        name = policy.network if policy.namespace is None else self.home.get(policy.namespace)
        return name if name in self.reached else None

    def scope(self, policy: Policy) -> tuple[str, ...]:
        """The names of the namespaces that a policy is for."""
        if policy.namespace is not None:
            return (policy.namespace,)
        return tuple(name for name, _labels in self.namespaces.get(policy.network or "", ()))

    def near(self, network: str, selector: Selector) -> tuple[str, ...]:
        """The names of the namespaces that are selected from a network."""
        there = (pair for other in sorted(self.reached[network]) for pair in self.namespaces.get(other, ()))
        return tuple(name for name, labels in there if selects(selector, labels))

    def has(self, namespaces: Sequence[str], selector: Selector | None) -> bool:
        """Whether a peer in these is selected; None: any is."""
        there = (labels for name in namespaces for labels in self.peers.get(name, ()))
        return any(selector is None or selects(selector, labels) for labels in there)


def neighbourhood(
    networks: Mapping[str, Network], namespaces: Mapping[str, Namespace], peers: Mapping[str, Peer]
) -> Neighbourhood:
    by_network: dict[str, list[tuple[str, Labels]]] = {}
    by_namespace: dict[str, list[Labels]] = {}
    for name, namespace in namespaces.items():
        by_network.setdefault(namespace.network, []).append((name, namespace.labels))
    for peer in peers.values():
        by_namespace.setdefault(peer.namespace, []).append(peer.labels)
    home = {name: namespace.network for name, namespace in namespaces.items()}
    return Neighbourhood(reach(networks), home, by_network, by_namespace)
