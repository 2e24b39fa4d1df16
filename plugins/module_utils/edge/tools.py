# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host needs for its part of WireGuard and of policies, and does not have; the role knows the packages."""

from __future__ import annotations

from collections.abc import Iterator

from ..compile.keys import KeysWanted
from ..model.facts import Facts
from ..model.link import WIREGUARD
from ..model.plan import HostPlan


def lacking(plan: HostPlan, facts: Facts, wanted: KeysWanted) -> list[str]:
    """Of wg, wireguard-go, qrencode, openssl and libbpf, in that order."""
    return [tool for tool in _needed(plan, facts, wanted) if tool not in facts.capabilities.tools]


def _needed(plan: HostPlan, facts: Facts, wanted: KeysWanted) -> Iterator[str]:
    if plan.devices:
        yield "wg"
    links = [link for link in plan.links if link.kind == WIREGUARD]
    if any(link.userspace or (link.userspace is None and not facts.capabilities.wireguard) for link in links):
        yield "wireguard-go"
    if plan.clients:
        yield "qrencode"
    if wanted.certificate or wanted.preshared or wanted.audit:
        yield "openssl"
    if plan.policy is not None:
        yield "libbpf"
