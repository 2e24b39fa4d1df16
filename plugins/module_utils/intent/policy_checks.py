# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What namespaces, peers, policies and their tests name: it is there, and can be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .claims import network_of
from .collection import Named
from .namespace import Namespace
from .neighbourhood import neighbourhood
from .network import Network
from .peering import reach
from .policy_test import PolicyTest, is_address
from .references import unknown
from .rule import ALLOW, FROM, TO
from .schema import Check, Where
from .selector import selects

Found = Iterator[tuple[Where, str]]
Tests = tuple[tuple[int, PolicyTest], ...]


def _networks_of_namespaces(namespaces: Named, networks: Named) -> Found:
    yield from _named("namespaces", "network", namespaces, networks)


def _namespaces_of_peers(peers: Named, namespaces: Named) -> Found:
    yield from _named("peers", "namespace", peers, namespaces)


def _scopes_of_policies(policies: Named, namespaces: Named, networks: Named) -> Found:
    yield from _named("policies", "namespace", policies, namespaces)
    yield from _named("policies", "network", policies, networks)


def _named(key: str, field: str, things: Named, known: Named) -> Found:
    names = frozenset(known.names)
    for name, thing in things.values.items():
        said = getattr(thing, field)
        fault = unknown(said, names, f"{field}s") if said is not None else None
        if fault:
            yield (key, name, field), fault


def _ends_of_tests(tests: Tests, peers: Named) -> Found:
    names = frozenset(peers.names)
    for number, test in tests:
        for field, party in (FROM, test.source), (TO, test.destination):
            fault = None if is_address(party) else unknown(party, names, "peers")
            if fault:
                yield ("tests", number, field), fault


def _selected_namespaces_are_peered(
    policies: Named, namespaces: Mapping[str, Namespace], networks: Mapping[str, Network]
) -> Found:
    """A selector may select more than can be reached, but not only what cannot; `{}` is all that can."""
    there = neighbourhood(networks, namespaces, {})
    for name, policy in policies.values.items():
        home = there.network(policy)
        for place, others in policy.others() if home is not None else ():
            selector = others.namespaces
            if home is None or selector is None or not any(selector) or there.near(home, selector):
                continue
            far = next((far for far in namespaces.items() if selects(selector, far[1].labels)), None)
            if far is not None:
                message = (
                    f"selects {far[0]} of {far[1].network}, and nothing of {home} or what it is peered with; "
                    f"let {home} and {far[1].network} name each other in peered, or select others"
                )
                yield ("policies", name, *place, "namespaces"), message


def _tested_peers_are_peered(tests: Tests, peers: Named, namespaces: Named, networks: Mapping[str, Network]) -> Found:
    reached = reach(networks)
    for number, test in tests:
        source, destination = peers.values.get(test.source), peers.values.get(test.destination)
        if source is None or destination is None or test.expect != ALLOW:
            continue
        one, other = network_of(source, namespaces.values), network_of(destination, namespaces.values)
        if one in reached and other in reached and other not in reached[one]:
            message = (
                f"{test.source} is in {one} and {test.destination} in {other}, which are not peered: nothing passes; "
                "let them name each other in peered, or expect: deny"
            )
            yield ("tests", number, "expect"), message


CHECKS = (
    Check(("namespaces.*", "networks.*"), _networks_of_namespaces),
    Check(("peers.*", "namespaces.*"), _namespaces_of_peers),
    Check(("policies.*", "namespaces.*", "networks.*"), _scopes_of_policies),
    Check(("tests.*", "peers.*"), _ends_of_tests),
    Check(("policies.*", "namespaces", "networks"), _selected_namespaces_are_peered),
    Check(("tests.*", "peers.*", "namespaces.*", "networks"), _tested_peers_are_peered),
)
