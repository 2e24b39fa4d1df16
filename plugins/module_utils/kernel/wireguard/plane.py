# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Everything of WireGuard on a host at once. Imported only where there is some: most hosts of an overlay have none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...model import state as kinds
from ...model.change import Change
from ...model.link import Link
from ...model.state import State, state_of
from ...model.wireguard import Keys
from .. import service
from ..clients import kept as clients
from ..keys import ring as keyring
from . import devices as wireguard


def observe(links: Iterable[Link]) -> tuple[State, Keys]:
    devices, peers = wireguard.observe(links)
    configs = clients.observe()
    state = state_of({kinds.DEVICE: devices, kinds.PEER: peers, kinds.CLIENT: configs})
    return {**state, kinds.SERVICE: service.observe()}, keyring.observe(configs)


def apply(changes: Sequence[Change], keys: Mapping[str, dict[str, str]]) -> None:
    """Changes of one kind, or of devices and peers together. keys: what wireguard.prepare() read, if it did."""
    kind = changes[0].kind
    if kind == kinds.CLIENT:
        clients.apply(changes)
    elif kind == kinds.SERVICE:
        for change in changes:
            service.apply(change)
    else:
        wireguard.apply(changes, keys)
