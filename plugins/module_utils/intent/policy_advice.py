# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What policies may say and probably do not mean. Nothing here refuses a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, Union

from .namespace import Namespace
from .neighbourhood import neighbourhood
from .network import Network
from .node import shown
from .peer import Peer
from .policy import Policy
from .references import hint, listed
from .schema import Check, Where
from .selector import Selector, impossible

Found = Iterator[tuple[Where, str]]
Inner = tuple[Union[str, int], ...]
Policies = Mapping[str, Policy]
Namespaces = Mapping[str, Namespace]
Peers = Mapping[str, Peer]


class _Keys(NamedTuple):
    """Of all labels that there are."""

    peers: frozenset[str]
    namespaces: frozenset[str]


def _known(peers: Peers, namespaces: Namespaces) -> _Keys:
    return _Keys(
        frozenset(key for peer in peers.values() for key in peer.labels),
        frozenset(key for namespace in namespaces.values() for key in namespace.labels),
    )


def _asked(selector: Selector | None) -> Iterator[tuple[Inner, str]]:
    """The keys that a selector asks for, with their places in it."""
    if selector is None:
        return
    for key in selector.labels:
        yield ("matchLabels", key), key
    for number, expression in enumerate(selector.expressions):
        yield ("matchExpressions", number, "key"), expression.key


def _keys_are_known(policies: Policies, namespaces: Namespaces, peers: Peers) -> Found:
    known = _known(peers, namespaces)
    for name, policy in policies.items():
        selectors: list[tuple[Inner, Selector | None, str]] = [(("select",), policy.select, "peers")]
        for place, others in policy.others():
            selectors.append(((*place, "peers"), others.peers, "peers"))
            selectors.append(((*place, "namespaces"), others.namespaces, "namespaces"))
        for place, selector, whose in selectors:
            for inner, key in _asked(selector):
                if key not in getattr(known, whose):
                    message = f"none of the {whose} has a label {shown(key)}; {hint(key, getattr(known, whose))}"
                    yield ("policies", name, *place, *inner), message


def _somebody_is_selected(
    policies: Policies, networks: Mapping[str, Network], namespaces: Namespaces, peers: Peers
) -> Found:
    known, there = _known(peers, namespaces), neighbourhood(networks, namespaces, peers)
    for name, policy in policies.items():
        home, scope = there.network(policy), there.scope(policy)
        if home is None:
            continue
        nobody = f"selects no peer of {policy.namespace or policy.network}"
        if not _is_told(policy.select, known.peers) and not there.has(scope, policy.select):
            yield ("policies", name, "select"), nobody
        for place, others in policy.others():
            if others.cidr is not None or _is_told(others.peers, known.peers):
                continue
            if others.namespaces is None:
                if not there.has(scope, others.peers):
                    yield ("policies", name, *place), nobody
            elif not _is_told(others.namespaces, known.namespaces):
                near = there.near(home, others.namespaces)
                if not there.has(near, others.peers):
                    yield ("policies", name, *place), _nobody(near, home)


def _is_told(selector: Selector | None, known: Collection[str]) -> bool:
    """Whether another note says already why it may select nothing."""
    if selector is None:
        return False
    return any(key not in known for _place, key in _asked(selector)) or impossible(selector) is not None


def _nobody(near: Collection[str], home: str) -> str:
    if near:
        return f"selects no peer of {listed(near)}"
    return f"selects no namespace of {home}, or of what it is peered with"


CHECKS = (
    Check(("policies", "namespaces", "peers"), _keys_are_known, note=True),
    Check(("policies", "networks", "namespaces", "peers"), _somebody_is_selected, note=True),
)
