# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host in memory, with the kernel's own manners: check mode runs on it, and so do the tests.

It refuses what a kernel refuses (a name or a VNI that is taken, an address on a link that is not there, a route over
one that is down, a rule that leads back) and takes away what a kernel takes away (the addresses and routes of a deleted
link, the routes whose source was a deleted address), so a plan that works here is consistent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..model import state as kinds
from ..model.change import ADD, REMOVE, Change
from ..model.docker import SeenNetwork
from ..model.errors import KernelError
from ..model.link import BRIDGE, VXLAN, WIREGUARD, fixed_differences
from ..model.route import UNICAST, Route, alike
from ..model.rule import GOTO
from ..model.state import Observed
from ..model.sysctl import Sysctl, carried
from ..model.wireguard import Peer


class MemoryKernel:
    """Starts as a copy of what was observed; nothing that happens to it reaches a host."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._state = {kind: dict(observed.state.get(kind, {})) for kind in kinds.KINDS}
        # What a host can go back to without being told it again: digests of policies and of their programs.
        self._kept: set[str] = set()

    def observe(self) -> Observed:
        return self._observed._replace(state={kind: dict(values) for kind, values in self._state.items()})

    def apply(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._apply(change)

    def _apply(self, change: Change) -> None:
        values = self._state[change.kind]
        subject = f"{change.kind} {change.key}"
        if change.action == ADD and change.key in values:
            raise KernelError(subject, "exists already")
        if change.action != ADD and change.key not in values:
            raise KernelError(subject, "does not exist")
        before = values.pop(change.key, None)
        if change.kind == kinds.POLICY and before is not None:
            self._kept |= {before.digest, before.objects}
        try:
            if change.action != REMOVE:
                self._admit(subject, change.kind, before, change.after)
        except KernelError:
            values.update({} if before is None else {change.key: before})
            raise
        if before is not None:
            self._cascade(change.kind, before, change.after)
        if change.action != REMOVE:
            seen = change.after
            values[change.key] = seen._replace(maps=None, files=()) if change.kind == kinds.POLICY else seen
        if change.kind == kinds.PEER and change.action != REMOVE:
            self._take_over(change.after)

    def _take_over(self, peer: Peer) -> None:
        """An address is one peer's alone: who gets it takes it from whoever had it."""
        peers = self._state[kinds.PEER]
        for key, other in peers.items():
            if key != peer.key() and other.link == peer.link:
                left = tuple(prefix for prefix in other.allowed_ips if prefix not in peer.allowed_ips)
                peers[key] = other._replace(allowed_ips=left)

    def _admit(self, subject: str, kind: str, before: Any, value: Any) -> None:
        if kind == kinds.LINK:
            self._admit_link(subject, before, value)
        elif kind == kinds.ROUTE:
            self._admit_route(subject, value)
        elif kind == kinds.RULE and value.action == GOTO and value.target <= value.priority:
            raise KernelError(subject, "leads back")
        elif kind == kinds.POLICY:
            self._admit_policy(subject, before, value)
        elif kind == kinds.POLICED and not self._state[kinds.POLICY]:
            raise KernelError(subject, "there is no policy")
        links = self._state[kinds.LINK]
        if kind == kinds.POLICED and value.interface not in links:
            raise KernelError(subject, f"no such device {value.interface}")
        if kind in (kinds.ADDRESS, kinds.DEVICE) and value.link not in links:
            raise KernelError(subject, f"no such device {value.link}")
        if kind == kinds.DEVICE and links[value.link].kind != WIREGUARD:
            raise KernelError(subject, f"{value.link} is not a WireGuard device")
        if kind == kinds.PEER and value.link not in self._state[kinds.DEVICE]:
            raise KernelError(subject, f"no such WireGuard device {value.link}")

    def _admit_policy(self, subject: str, before: Any, value: Any) -> None:
        here = self._kept | ({before.digest, before.objects} if before else set())
        if value.maps is None and value.digest not in here:
            raise KernelError(subject, "its maps are not here any more")
        if not value.files and value.objects not in here:
            raise KernelError(subject, "its programs are not here any more")

    def _admit_route(self, subject: str, route: Route) -> None:
        links = self._state[kinds.LINK]
        foreign = self._observed.foreign
        if any((other.destination, other.table) == (route.destination, route.table) for other in foreign.tables):
            raise KernelError(subject, "exists already, and is not ours")
        if route.type != UNICAST:
            return
        if route.link not in links and not any(link.name == route.link for link in foreign.links):
            raise KernelError(subject, f"no such device {route.link}")
        if route.link in links and not links[route.link].up:
            raise KernelError(subject, f"{route.link} is down")
        if route.source and route.source not in self._own():
            raise KernelError(subject, f"{route.source} is not an address of this host")

    def _admit_link(self, subject: str, before: Any, value: Any) -> None:
        links = self._state[kinds.LINK]
        if value.master is not None and (value.master not in links or links[value.master].kind != BRIDGE):
            raise KernelError(subject, f"no such bridge {value.master}")
        if any(link.name == value.name for link in self._observed.foreign.links):
            raise KernelError(subject, "exists already, and is not ours")
        others = [*self._observed.foreign.links, *links.values()]
        if value.kind == VXLAN and any((other.vni, other.port) == (value.vni, value.port) for other in others):
            raise KernelError(subject, f"VNI {value.vni} is in use")
        if before is not None and (fixed := fixed_differences(before, value)):
            raise KernelError(subject, f"its {', '.join(fixed)} cannot be changed")

    def _own(self) -> set[str]:
        return {address.address.split("/")[0] for address in self._state[kinds.ADDRESS].values()}

    def _cascade(self, kind: str, before: Any, after: Any) -> None:
        """What the kernel takes away by itself, once `before` is no more."""
        addresses, routes, links = (self._state[name] for name in (kinds.ADDRESS, kinds.ROUTE, kinds.LINK))
        if kind == kinds.NETWORK:
            self._forget_network(before)
        if kind == kinds.POLICY and after is None:
            self._state[kinds.POLICED].clear()
        if kind == kinds.SYSCTL and after is not None:
            self._switch(after)
        if kind == kinds.LINK and after is None:
            for name in (kinds.DEVICE, kinds.PEER):
                _drop(self._state[name], lambda value: value.link == before.name)
        if kind == kinds.LINK:
            if after is None or not after.up:
                _drop_routes(routes, lambda route: route.link == before.name)
            if after is None:
                self._state[kinds.POLICED].pop(before.name, None)
                _drop(addresses, lambda address: address.link == before.name)
                for key, link in links.items():
                    if link.master == before.name:
                        links[key] = link._replace(master=None, gated=False, far=None)
        if kind in (kinds.LINK, kinds.ADDRESS):
            own = self._own()
            _drop_routes(routes, lambda route: route.source != "" and route.source not in own)

    def _switch(self, leading: Sysctl) -> None:
        switches = self._state[kinds.SYSCTL]
        for name, switch in switches.items():
            switches[name] = switch._replace(value=carried(leading, name) or switch.value)

    def _forget_network(self, gone: SeenNetwork) -> None:
        foreign = self._observed.foreign
        left = tuple(seen for seen in foreign.networks if seen.key() != gone.key())
        self._observed = self._observed._replace(foreign=foreign._replace(networks=left))


def _drop(values: dict[str, Any], goes: Callable[[Any], bool]) -> None:
    for key in [key for key, value in values.items() if goes(value)]:
        del values[key]


def _drop_routes(routes: dict[str, Route], goes: Callable[[Route], bool]) -> None:
    """Of several to one destination those that stay move up."""
    for key, route in list(routes.items()):
        left = [one for one in alike(route) if not goes(one)]
        if left:
            routes[key] = left[0]._replace(beside=tuple(left[1:]))
        else:
            del routes[key]
