# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whatever somebody does to a host is found by looking, and a run mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.drift import drift
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.command import Look, here
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.plane import Plane
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.change import REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.model.state import POLICED, POLICY
from tests.integration.policy.town import OPEN, Town, ip, objects, plan


def found() -> list[str]:
    """Of the network; what is stored on this machine's disk is not this host's."""
    seen = HostKernel(policies=True).observe()
    told = drift(plan(OPEN), seen, objects=objects())
    return [str(one) for one in told.differences]


def _detach(_town: Town) -> None:
    (policed,) = (one for one in plan(OPEN).policy.attachments if one.interface == "vxlan0")
    Plane().apply([Change(REMOVE, POLICED, "vxlan0", policed, None)])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda _town: ip("link set vxlan0 mtu 1300"), "link vxlan0: differs (mtu 1300, planned "),
        (lambda _town: ip("link set vxlan0 down"), "link vxlan0: differs (up no, planned yes)"),
        (lambda _town: ip("link del vxlan0"), "link vxlan0: missing"),
        (_detach, "policed interface vxlan0: missing"),
    ],
    ids=["mtu", "down", "deleted", "program"],
)
def test_what_somebody_changed_is_found_and_mended(town: Town, spoil: Callable[[Town], object], told: str) -> None:
    town.converge(plan(OPEN))
    assert found() == []
    spoil(town)
    assert any(line.startswith(told) for line in found()), found()
    town.converge(plan(OPEN))
    assert found() == []


def test_a_status_says_where_programs_are_and_which_tunnels_there_are(town: Town) -> None:
    town.converge(plan(OPEN))
    status = here(Look(plan(OPEN), None, HostKernel(policies=True).observe()))
    assert {one.interface: one.attached for one in status.policed} == {"bridge": True, "vxlan0": True}
    assert [one.link for one in status.tunnels] == ["vxlan0"]
    assert status.denied is not None


@pytest.mark.parametrize("gone", ["counters", "attachments", "current", "weft_ingress", "*"])
def test_pins_that_somebody_removed_are_told_and_never_end_the_look(town: Town, gone: str) -> None:
    town.converge(plan(OPEN))
    pins = [found for found in Path(BPF_FOLDER).rglob(gone) if found.is_file()]
    assert pins
    for pin in pins:
        pin.unlink()
    status = here(Look(plan(OPEN), None, HostKernel(policies=True).observe()))
    if gone in {"counters", "*"}:
        assert status.denied is None
        assert any(note.startswith("not told: ") for note in status.drift.notes)
    if gone != "counters":
        assert {one.kind for one in status.drift.differences} & {POLICY, POLICED}
