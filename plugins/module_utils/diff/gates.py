# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Bridges whose ports are policed, each for itself: they keep new ports closed, and our own port of them takes frames
from the device at its other end alone."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.link import BRIDGE, Link
from ..model.plan import HostPlan
from ..model.policy import PORTS
from ..model.state import Capabilities


def gated(
    plan: HostPlan, links: Iterable[Link], capabilities: Capabilities
) -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """The links, those bridges gated and our own ports of them open and kept to their other ends; and notes."""
    links = tuple(links)
    attachments = plan.policy.attachments if plan.policy is not None else ()
    policed = {attachment.interface for attachment in attachments if attachment.flags & PORTS}
    bridges = {link.name for link in links if link.kind == BRIDGE and link.name in policed}
    links = tuple(link if link.master in bridges else link._replace(far=None) for link in links)
    if not capabilities.gates:
        return links, tuple(map(_ungated, sorted(bridges)))
    return tuple(link._replace(gated=bool({link.name, link.master} & bridges)) for link in links), ()


def _ungated(bridge: str) -> str:
    words = "this kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
    return f"{bridge}: {words}, so while weft-guard does not run, new containers reach one another, and nobody else"
