# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The public side of everything secret that a host keeps: keys of links and pairs, of clients, and its certificates."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.client import ClientConfig
from ...model.plan import HostPlan
from ...model.wireguard import Keys
from ..clients import kept as clients
from . import certificates, sealing
from . import private as keys
from .preshared import tidy_preshared


def observe(seen: Iterable[ClientConfig] | None = None) -> Keys:
    """seen: the clients' files, where somebody has read them already."""
    return keys.observe()._replace(
        clients=clients.public_keys(seen),
        certificate=sealing.kept_certificate(),
        audit=certificates.kept(certificates.AUDIT_KEY),
    )


def tidy(plan: HostPlan) -> None:
    """Once a plan is in force for good: what its links kept for peers that it does not have any more is removed.

    The keys of links themselves stay, also of links that are gone: an interface that comes back is the same one.
    """
    for device in plan.devices:
        mine = [peer for peer in plan.peers if peer.link == device.link]
        tidy_preshared(device.link, [key for peer in mine for key in (peer.public_key, peer.successor) if key])
