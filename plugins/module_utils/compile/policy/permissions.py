# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each end of a packet permits. Maps say only what both come to: so many pairs are denied by no rule that no map
could say of each of them which side it is that lacks one. The intent can, with the compiler's own selection."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from ...intent.port import Port
from ...intent.tenancy import Tenancy
from ...model.policy import ALLOW, NO_RULE, PROTOCOLS, Identity, PolicyMaps, RuleName
from .delegation import is_group
from .explain import peers_of
from .ground import Regions, survey
from .judge import Explanation
from .prefix import prefix_of
from .reflection import views_of
from .rules import EGRESS, INGRESS, NumberedRule, PolicyRules, numbered
from .selection import Profile, Selection

# The ends of a packet, as positions among two, and as bits.
_SOURCE, _DESTINATION = 0, 1
_NO_MAPS = PolicyMaps()


class Side(NamedTuple):
    """What the policies of one end, a peer, permit. direction: INGRESS of the destination, EGRESS of the source.

    policies: that select the peer and have rules of that direction. rule: the first that allows; None: none does.
    """

    direction: str
    peer: str
    policies: tuple[str, ...]
    rule: RuleName | None


class Permissions:
    """Of a tenancy. maps: made of it, which may be left out where nobody has a shadow."""

    def __init__(self, tenancy: Tenancy, maps: PolicyMaps = _NO_MAPS) -> None:
        self._tenancy = tenancy
        # Who is where, the maps say: they know the addresses that only a run hands out.
        self._ground = survey(tenancy, {}, (), views_of(maps)).ground
        labelled = (peer.containers for peer in tenancy.peers.values() if peer.containers is not None)
        self._split = frozenset(chain.from_iterable(one.runners for one in labelled))
        policies, self._names = numbered(tenancy)
        # A policy selects peers of its own network alone.
        self._policies: dict[str, list[PolicyRules]] = {}
        for policy in policies:
            self._policies.setdefault(policy.network, []).append(policy)

    def may_be_of(self, maps: PolicyMaps) -> bool:
        """Whether maps have the rules and the peers of this tenancy, in name: if not, they are of another one."""
        return self._names == maps.rules and set(self._tenancy.peers) == {peer.name for peer in peers_of(maps)}

    def sides(self, found: Explanation, protocol: int, port: int) -> tuple[Side, ...]:
        """Of each end that is a peer, the destination's first. found: of these maps, and the ends reach each other.
        protocol: number; port: or type of message."""
        ends = (found.source, found.destination)
        near = [self._ground.home[end.name] for end in ends if end.name in self._ground.home]
        if not near or self._is_between(*(end.name for end in ends)):
            return ()
        prefixes = (found.source_prefix, found.destination_prefix)
        # Who is no peer, is what the other end's network says.
        profiles = [self._profile(end, prefix, near[0]) for end, prefix in zip(ends, prefixes)]
        selection = Selection(profiles, self._ground, self._tenancy.namespaces)
        return tuple(
            self._side(selection, direction, end, ends[end].name, (protocol, port))
            for direction, end in ((INGRESS, _DESTINATION), (EGRESS, _SOURCE))
            if ends[end].name in self._ground.home
        )

    def _is_between(self, *names: str) -> bool:
        """Whether no policy says by itself what passes: one may be several peers, or the two are on different runners
        that do not know each other's containers."""
        runners = [self._runners(name) for name in names]
        return any(map(is_group, names)) or (all(runners) and len(frozenset().union(*runners)) > 1)

    def _runners(self, name: str) -> frozenset[str]:
        """Those on which labels tell containers apart, and on which a peer's containers are."""
        peer = self._tenancy.peers.get(name)
        if peer is None:
            return frozenset()
        return frozenset(peer.containers.runners) if peer.containers is not None else self._split & {peer.runner or ""}

    def _side(self, selection: Selection, direction: str, end: int, peer: str, packet: tuple[int, int]) -> Side:
        near, far = 1 << end, 1 << 1 - end
        policies: list[str] = []
        rules: list[RuleName] = []
        for policy in self._policies.get(self._ground.home[peer], ()):
            said = [rule for rule in policy.rules if rule.direction == direction]
            if said and selection.entry(policy.selected) & near:
                policies.append(self._names[said[0].number - 1].policy)
                rules += [
                    self._names[rule.number - 1]
                    for rule in said
                    if rule.allows and selection.side(rule.side) & far and _is_about(rule, *packet)
                ]
        return Side(direction, peer, tuple(policies), rules[0] if rules else None)

    def _profile(self, end: Identity, prefix: str, near: str) -> Profile:
        peer = self._tenancy.peers.get(end.name)
        if peer is None:
            return Profile(near, None, (), self._regions((near,), near, prefix))
        home = self._ground.home[end.name]
        labels = tuple(sorted(peer.labels.items()))
        return Profile(home, peer.namespace, labels, self._regions(self._ground.reach[home], home, prefix))

    def _regions(self, networks: Iterable[str], home: str, prefix: str) -> Regions:
        """home: whose prefix it is. prefix: "": in none that anybody names."""
        if not prefix:
            return ()
        views = self._ground.views
        own = views.own(home, prefix_of(prefix))
        found = ((name, self._ground.named[name].innermost(views.seen(name, home, own))) for name in networks)
        return tuple((name, region) for name, region in found if region is not None)


def _is_about(rule: NumberedRule, protocol: int, port: int) -> bool:
    return not rule.ports or any(PROTOCOLS[one.protocol] == protocol and _holds(one, port) for one in rule.ports)


def _holds(one: Port, port: int) -> bool:
    return one.first is None or one.last is None or one.first <= port <= one.last


def contradicts(found: Explanation, sides: Iterable[Side]) -> bool:
    """Whether maps say of a packet what these sides rule out: then the maps are of another intent."""
    lacking = any(side.rule is None for side in sides)
    return lacking if found.verdict == ALLOW else found.reason == NO_RULE and not lacking
