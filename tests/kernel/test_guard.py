# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gate of a bridge and the guard that opens it, on Debian's kernels: not every kernel that tests run on has VLANs
on bridges."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT
from tests.integration.bpf.stage import ROOT
from tests.integration.bpf.test_ports import port_maps
from tests.kernel.bpf_machine import boot
from tests.kernel.guard_inside import BY_HAND
from tests.kernel.test_bpf import RELEASES, files

_SCENE = (
    *(f"tests/integration/bpf/{name}.py" for name in ("hosts", "names", "traffic")),
    *(f"tests/integration/guard/{name}.py" for name in ("scene", "docker", "process")),
    "tests/kernel/bpf_inside.py",
)
TUNNEL_KEPT = {"whole": True, "vlans": [0, 1]}
ALL = ["bridge", "db", "vxlan0", "web"]


@pytest.fixture(scope="module", params=RELEASES)
def said(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """What a machine said, by step."""
    tree = files(port_maps(), *_SCENE)
    rooms = ROOT / "plugins" / "module_utils"
    for room in ("diff", "converge", "edge"):
        for path in (rooms / room).rglob("*.py"):
            inside = path.relative_to(rooms)
            tree[f"ansible_collections/weft/overlay/plugins/module_utils/{inside}"] = path.read_bytes()
    lines = boot(request.param, tree, (ROOT / "tests/kernel/guard_inside.py").read_text())
    return {line.pop("step"): line for line in lines}


def test_the_kernel_says_that_its_bridges_have_gates(said: dict[str, dict[str, Any]]) -> None:
    assert said["kernel"]["gates"]


def test_a_gate_that_is_made_while_containers_speak_interrupts_nobody(said: dict[str, dict[str, Any]]) -> None:
    assert said["no gate"] == {"bridge": False, "port": False, "reached": True}
    gate, guarded = said["gate"], said["guarded"]
    assert (gate["bridge"], gate["port"], gate["opened"]) == (True, True, ALL)
    assert gate["sent"] == gate["received"] > 100
    # A device that gets clsact has no queue for a moment, in the kernel (qdisc_graft): some datagrams of a flood are
    # lost once. TCX has nothing to do with queues.
    least = 0.9 if said["kernel"]["way"] == CLSACT else 1
    assert guarded["sent"] >= guarded["received"] >= least * guarded["sent"] > 100
    assert (guarded["opened"], guarded["reached"]) == (ALL, True)


def test_a_new_port_is_closed_until_docker_says_whose_it_is(said: dict[str, dict[str, Any]]) -> None:
    assert said["another one's port"] == {"opened": ALL, "bound": ["db", "web"]}
    assert said["another one"] == {"opened": sorted([*ALL, "far"]), "bound": ["db", "far", "web"]}


def test_without_a_guard_those_who_speak_go_on_and_who_comes_is_closed(said: dict[str, dict[str, Any]]) -> None:
    assert said["without a guard"] == {"opened": ALL, "reached": True}
    again = said["with one again"]
    assert again["sent"] == again["received"] > 100
    assert again["opened"] == sorted([*ALL, "far"])


def test_whatever_is_changed_of_a_gate_is_seen_and_mended(said: dict[str, dict[str, Any]]) -> None:
    for words in ("vlan_filtering 0", "vlan_default_pvid 1", "bridge closed"):
        assert said[words] == {"bridge": False}
        assert said[f"{words}, mended"] == {"bridge": True, "opened": sorted([*ALL, "far"])}
    assert said["port closed"] == {"port": False}
    assert said["port closed, mended"] == {"port": True}


def test_a_gate_that_goes_leaves_everybody_open(said: dict[str, dict[str, Any]]) -> None:
    gone = said["no gate any more"]
    assert (gone["bridge"], gone["port"]) == (False, False)
    assert gone["opened"] == sorted([*ALL, "far"])
    assert gone["sent"] == gone["received"] > 100


def test_a_bridge_that_is_made_with_a_gate_is_open_itself_and_at_our_port(said: dict[str, dict[str, Any]]) -> None:
    assert said["made with a gate"] == {"bridge": True, "port": True, "opened": ["bridge", "vxlan0"]}


def test_the_tunnel_is_kept_to_the_hub_in_the_vlan_that_it_is_in(said: dict[str, dict[str, Any]]) -> None:
    assert said["kept"] == TUNNEL_KEPT
    assert said["kept no more"] == {"whole": True, "vlans": []}


def test_whatever_is_changed_of_a_kept_tunnel_is_seen_and_mended(said: dict[str, dict[str, Any]]) -> None:
    for words in BY_HAND:
        assert said[words] == {"drifted": True, **TUNNEL_KEPT}, words
