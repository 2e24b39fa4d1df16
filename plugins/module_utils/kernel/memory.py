# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host in memory, with the kernel's own manners: check mode runs on it, and so do the tests.

It refuses what a kernel refuses (a name or a VNI that is taken, an address on a link that is not there) and takes
away what a kernel takes away (the addresses and routes of a deleted link), so a plan that works here is consistent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model import state as kinds
from ..model.change import ADD, REMOVE, Change
from ..model.errors import KernelError
from ..model.link import VXLAN
from ..model.state import Observed


class MemoryKernel:
    """Starts as a copy of what was observed; nothing that happens to it reaches a host."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._state = {kind: dict(observed.state.get(kind, {})) for kind in kinds.KINDS}

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
        if change.action == REMOVE:
            del values[change.key]
            self._cascade(change.kind, change.before)
            return
        self._admit(subject, change.kind, change.after)
        if change.action != ADD and change.kind == kinds.ADDRESS:
            self._cascade(change.kind, change.before)
        values[change.key] = change.after

    def _admit(self, subject: str, kind: str, value: Any) -> None:
        links = self._state[kinds.LINK]
        if kind in (kinds.ADDRESS, kinds.ROUTE) and value.link not in links:
            raise KernelError(subject, f"no such device {value.link}")
        if kind == kinds.ROUTE and value.source not in {
            address.address.split("/")[0] for address in self._state[kinds.ADDRESS].values()
        }:
            raise KernelError(subject, f"{value.source} is not an address of this host")
        if kind != kinds.LINK:
            return
        if value.master is not None and value.master not in links:
            raise KernelError(subject, f"no such bridge {value.master}")
        if any(link.name == value.name for link in self._observed.foreign.links):
            raise KernelError(subject, "exists already, and is not ours")
        others = [*self._observed.foreign.links, *(link for link in links.values() if link.name != value.name)]
        if value.kind == VXLAN and any((other.vni, other.port) == (value.vni, value.port) for other in others):
            raise KernelError(subject, f"VNI {value.vni} is in use")

    def _cascade(self, kind: str, lost: Any) -> None:
        addresses, routes, links = (self._state[name] for name in (kinds.ADDRESS, kinds.ROUTE, kinds.LINK))
        if kind == kinds.LINK:
            for key, address in list(addresses.items()):
                if address.link == lost.name:
                    del addresses[key]
                    self._cascade(kinds.ADDRESS, address)
            for key, route in list(routes.items()):
                if route.link == lost.name:
                    del routes[key]
            for key, link in links.items():
                if link.master == lost.name:
                    links[key] = link._replace(master=None)
        elif kind == kinds.ADDRESS:
            source = lost.address.split("/")[0]
            for key, route in list(routes.items()):
                if route.source == source:
                    del routes[key]
