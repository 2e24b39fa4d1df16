# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What happens to a policy by hand, by accident, or by a step that fails: it is found and mended, or undone. All of it
with programs at TCX and at clsact."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach, calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.pins import put_pin
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.plane import Plane
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER, objects_of
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route
from tests.integration.bpf.hooked import take_out
from tests.integration.bpf.stage import ROOT
from tests.integration.policy import town as places
from tests.integration.policy.town import LINKS, ON_BRIDGE, OPEN, SHUT, TUNNEL, Town, Watchful, answers, ip, is_up, plan

# No link of ours has that source, so it fails, when links, addresses and the policy are there.
IMPOSSIBLE = Route("10.99.0.0/16", "", "bridge", "10.99.0.1")
# The same programs by other names: to a host, another release.
RENAMED = objects_of((f"new-{name}", content) for name, content in places.objects().files)


@pytest.fixture(autouse=True)
def _by_both_ways(way: str) -> str:
    return way


def seen(town: Town) -> dict[str, dict[str, object]]:
    state = town.kernel().observe().state
    return {kind: state[kind] for kind in (kinds.POLICY, kinds.POLICED, kinds.LINK, kinds.ADDRESS, kinds.ROUTE)}


def attached(town: Town) -> list[dict[str, str]]:
    return [town.programs(link) for link in LINKS]


@pytest.mark.usefixtures("town")
def test_programs_are_there_before_their_links_are_up() -> None:
    kernel = Watchful()
    converge(plan(SHUT), kernel, None, places.objects())
    assert kernel.moments == [dict.fromkeys(LINKS, (False, 0)), dict.fromkeys(LINKS, (False, 2))]
    assert all(map(is_up, LINKS))


def test_so_they_are_where_a_link_is_made_anew_and_where_it_was_down(town: Town) -> None:
    town.converge(plan(SHUT))
    before = socket.if_nametoindex("vxlan0")
    kernel = Watchful()
    moved = plan(SHUT, links=(places.BRIDGE_LINK, TUNNEL._replace(vni=102)))
    outcome = converge(moved, kernel, None, places.objects())
    assert "+ policed interface vxlan0" in map(str, outcome.changes)
    assert socket.if_nametoindex("vxlan0") != before
    assert kernel.moments == [{"vxlan0": (False, 0)}, {"vxlan0": (False, 2)}]
    assert is_up("vxlan0")
    assert set(attach.known(BPF_FOLDER)) == {socket.if_nametoindex(link) for link in LINKS}
    ip("link set vxlan0 down")
    take_out("vxlan0", "", attach.way())
    kernel = Watchful()
    converge(moved, kernel, None, places.objects())
    assert kernel.moments == [{"vxlan0": (False, 0)}, {"vxlan0": (False, 2)}]
    assert is_up("vxlan0")


def test_all_judge_what_comes_in_before_any_judges_what_goes_out(town: Town) -> None:
    """Seen where one of them is not there."""
    town.converge(plan(OPEN))
    for link in LINKS:
        attach.release(BPF_FOLDER, link)
    wanted = [*OPEN.attachments, OPEN.attachments[0]._replace(interface="gone")]
    with pytest.raises(KernelError, match="there is no link gone"):
        Plane().police([Change(ADD, kinds.POLICED, one.interface, None, one) for one in wanted])
    assert [set(town.programs(link)) for link in LINKS] == [{"ingress"}, {"ingress"}]


def _other_entry() -> None:
    police(BPF_FOLDER, "bridge", Policed(77, 0, 0))


BY_HAND: dict[str, tuple[Callable[[], object], list[str]]] = {
    "a program": (
        lambda: take_out("bridge", "weft_ingress", attach.way()),
        ["~ policed interface bridge (number 0 → 1, network 0 → 1)"],
    ),
    "both hooks": (
        lambda: take_out("vxlan0", "", attach.way()),
        ["~ policed interface vxlan0 (number 0 → 5, network 0 → 1)"],
    ),
    "what programs know of it": (
        lambda: attach.forget(BPF_FOLDER, socket.if_nametoindex("bridge")),
        ["~ policed interface bridge (number 0 → 1, network 0 → 1)"],
    ),
    "who it is": (_other_entry, ["~ policed interface bridge (number 77 → 1, network 0 → 1)"]),
    "a pinned program": (
        lambda: os.unlink(objects.program_path(BPF_FOLDER, "weft_ingress")),
        [
            "~ policy policy (objects)",
            "~ policed interface bridge (number 0 → 1, network 0 → 1)",
            "~ policed interface vxlan0 (number 0 → 5, network 0 → 1)",
        ],
    ),
    # Nobody knows any more what the programs at the hooks judge by.
    "everything that is pinned": (
        lambda: shutil.rmtree(BPF_FOLDER),
        ["+ policy policy", "+ policed interface bridge", "+ policed interface vxlan0"],
    ),
}


@pytest.mark.parametrize("what", BY_HAND)
def test_what_is_removed_by_hand_is_found_and_mended(town: Town, what: str) -> None:
    town.converge(plan(SHUT))
    web = town.move_in()
    remove, expected = BY_HAND[what]
    remove()
    assert town.changes(plan(SHUT)) == expected
    assert town.changes(plan(SHUT)) == []
    programs = objects.loaded(BPF_FOLDER)
    wanted = {hook: f"weft_{hook} {programs[f'weft_{hook}'].number}" for hook in ("ingress", "egress")}
    assert attached(town) == [wanted, wanted]
    assert not answers(web)
    town.converge(plan(OPEN))
    assert answers(web)


def test_check_mode_says_what_a_run_then_does_and_does_nothing(town: Town) -> None:
    town.converge(plan(OPEN))
    take_out("bridge", "weft_ingress", attach.way())
    before = (attached(town), seen(town))
    wanted = plan(SHUT)
    said = converge(wanted, MemoryKernel(town.kernel(wanted).observe()), None, places.objects())
    assert (attached(town), seen(town)) == before
    assert [str(change) for change in said.changes] == town.changes(wanted) != []


def test_a_step_that_fails_is_undone_to_the_policy_before(town: Town) -> None:
    town.converge(plan(OPEN))
    web = town.move_in()
    before = (attached(town), seen(town))
    with pytest.raises(UndoneError, match="everything was changed back"):
        town.converge(plan(SHUT, routes=(IMPOSSIBLE,)))
    assert (attached(town), seen(town)) == before
    assert answers(web)
    assert town.changes(plan(OPEN)) == []


def test_the_first_policy_of_a_host_is_undone_without_a_trace(town: Town) -> None:
    town.converge(plan(None))
    before = (town.traces(), seen_without(town))
    with pytest.raises(UndoneError, match="everything was changed back"):
        town.converge(plan(SHUT, routes=(IMPOSSIBLE,)))
    assert (town.traces(), seen_without(town)) == before


def seen_without(town: Town) -> object:
    return town.kernel(plan(None)).observe().state[kinds.LINK]


def test_a_policy_that_was_taken_down_is_put_back(town: Town) -> None:
    """By a kernel that says, after the last step, that one had no effect."""
    town.converge(plan(SHUT))
    web = town.move_in()
    before = (attached(town), seen(town), sorted(pinned()))

    class Forgetful(type(town.kernel())):  # type: ignore[misc]
        """Leaves the address that it was to take away."""

        def apply(self, changes: object) -> None:
            super().apply([change for change in changes if change.kind != kinds.ADDRESS])  # type: ignore[attr-defined]

    with pytest.raises(UndoneError, match=r"still differs: - address .*; everything was changed back"):
        converge(plan(None, addresses=()), Forgetful(ask_docker=False), None, places.objects())
    assert (attached(town), seen(town), sorted(pinned())) == before
    assert not answers(web)
    assert town.changes(plan(SHUT)) == []


def pinned() -> list[str]:
    return [f"{place}/{name}" for place, _folders, names in os.walk(BPF_FOLDER) for name in names]


@pytest.mark.fault("F09")
def test_programs_of_another_release_take_over_wherever_the_old_ones_were(town: Town) -> None:
    town.converge(plan(SHUT))
    web = town.move_in()
    # Somebody else's business, the ports of a bridge among it.
    police(BPF_FOLDER, "web", Policed(ON_BRIDGE.number, 0, 0))
    before = [*attached(town), town.programs("web")]
    outcome = town.converge(plan(SHUT), None, RENAMED)
    assert [str(change) for change in outcome.changes] == ["~ policy policy (objects)"]
    after = [*attached(town), town.programs("web")]
    assert all(old[hook] != new[hook] for old, new in zip(before, after) for hook in ("ingress", "egress"))
    assert len({new["ingress"] for new in after}) == 1
    assert not answers(web)
    assert town.converge(plan(SHUT), None, RENAMED).changes == ()


@pytest.mark.fault("F09")
def test_maps_of_another_layout_go_with_its_programs(town: Town) -> None:
    town.converge(plan(SHUT))
    old = f"{BPF_FOLDER}/maps-0/flows"
    put_pin(calls.pinned(objects.map_path(BPF_FOLDER, "flows")), old)
    assert town.changes(plan(SHUT)) == []
    assert os.path.exists(old)
    town.converge(plan(SHUT), None, RENAMED)
    assert not os.path.exists(os.path.dirname(old))


def test_programs_at_hooks_of_which_nobody_knows_go_with_the_policy(town: Town) -> None:
    town.converge(plan(None))
    before = town.traces()
    town.converge(plan(SHUT))
    town.move_in()
    police(BPF_FOLDER, "web", Policed(ON_BRIDGE.number, 0, 0))
    attach.forget(BPF_FOLDER, socket.if_nametoindex("web"))
    attach.forget(BPF_FOLDER, socket.if_nametoindex("bridge"))
    town.converge(plan(None))
    assert (town.programs("web"), town.traces()) == ({}, before)


def test_ports_of_a_bridge_are_released_with_it(town: Town) -> None:
    town.converge(plan(SHUT))
    town.move_in()
    police(BPF_FOLDER, "web", Policed(ON_BRIDGE.number, 0, BOUND))
    assert town.changes(plan(SHUT._replace(attachments=SHUT.attachments[1:]))) == ["- policed interface bridge"]
    assert [town.programs(link) == {} for link in ("bridge", "web", "vxlan0")] == [True, True, False]
    assert set(attach.known(BPF_FOLDER)) == {socket.if_nametoindex("vxlan0")}


def test_programs_of_another_release_are_undone_too(town: Town) -> None:
    town.converge(plan(OPEN))
    web = town.move_in()
    before = (attached(town), seen(town))
    with pytest.raises(UndoneError, match="everything was changed back"):
        town.converge(plan(SHUT, routes=(IMPOSSIBLE,)), None, RENAMED)
    assert (attached(town), seen(town)) == before
    assert answers(web)


def test_programs_that_do_not_load_leave_the_policy_before_in_force(town: Town) -> None:
    town.converge(plan(SHUT))
    web = town.move_in()
    before = (attached(town), seen(town))
    (name, content), *rest = places.objects().files
    broken = objects_of(((name, content[: len(content) // 2]), *rest))
    with pytest.raises(UndoneError, match=rf"{name}: it cannot be read as a BPF object.*everything was changed back"):
        town.converge(plan(OPEN), None, broken)
    assert (attached(town), seen(town)) == before
    assert not answers(web)


def test_without_libbpf_a_host_says_so_before_anything_is_changed(town: Town) -> None:  # noqa: ARG001
    """In a process of its own: this one has it loaded."""
    found = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in found.splitlines():
        if "libbpf.so.1 " in line:
            subprocess.run(["mount", "--bind", "/dev/null", os.path.realpath(line.split()[-1])], check=True)
    script = (
        "from module_utils.kernel.host import HostKernel\n"
        "seen = HostKernel(ask_docker=False, policies=True).observe()\n"
        "print(*seen.capabilities.unable, sep='\\n')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert "libbpf.so.1 cannot be used" in run.stdout, run.stderr
    assert "install the package libbpf1" in run.stdout
