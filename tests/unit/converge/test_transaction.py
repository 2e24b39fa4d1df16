# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A transaction on a host that fails at every step it has, in every way there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import REMOVE
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import (
    ConflictError,
    KernelError,
    PlanError,
    VerifyError,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Borrowed, ForeignRoute, Route
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign
from tests.unit.converge.faults import Died, Faulty, built, host, hub, run, spokes
from tests.unit.diff.worlds import OVERLAYS, PROGRAMS, hosts, with_networks, with_policy

RUNNER = runner_plan(OVERLAYS[0], spokes(1)[0], "hub", "192.0.2.250")
ANOTHER = runner_plan(OVERLAYS[1], spokes(1, mtu=1400)[0], "hub", "192.0.2.99")
NEW_HUB = (host().observe(), hub(1, 2, 3))
CASES = {
    "a new hub": NEW_HUB,
    "a hub that loses one runner, gets one and moves one": (built(hub(1, 2, 3)), hub(2, 3, 4, mtu=1430)),
    "a new runner": (host().observe(), RUNNER),
    "a runner whose VNI and hub change": (built(RUNNER), ANOTHER),
    "a hub that gets networks": (built(hub(1)), with_networks(hub(1), (1, 254))),
    "a hub whose networks and runners change": (
        built(with_networks(hub(1, 2), (1, 2, 17))),
        with_networks(hub(2, 3), (2, 18)),
    ),
    "a hub with one network more than stand in a list": (
        built(with_networks(hub(1), range(1, 33))),
        with_networks(hub(1), range(1, 34)),
    ),
    "a hub that loses its networks": (built(with_networks(hub(1), (3, 200))), hub(1)),
    "a hub that gets a policy": (built(hub(1)), with_policy(hub(1, 2), 1)),
    "a hub whose policy and runners change": (built(with_policy(hub(1, 2), 1)), with_policy(hub(2, 3, mtu=1430), 2)),
    "a hub with the programs of another release": (built(with_policy(hub(1), 1)), with_policy(hub(1), 1)),
    "a hub that loses its policy": (built(with_policy(hub(1, 2), 1)), hub(1, 2)),
}
STEPS = [
    pytest.param(observed, plan, step, id=f"{name}, step {step}")
    for name, (observed, plan) in CASES.items()
    for step in range(len(run(plan, MemoryKernel(observed)).changes))
]


@pytest.mark.fault("F05")
@pytest.mark.parametrize(("observed", "plan", "step"), STEPS)
def test_after_a_step_that_is_refused_the_host_is_as_before(observed, plan, step):
    kernel = Faulty(MemoryKernel(observed), step)
    with pytest.raises(UndoneError, match=r": Device or resource busy; everything was changed back$") as caught:
        run(plan, kernel)
    assert isinstance(caught.value.__cause__, KernelError)
    assert kernel.observe() == MemoryKernel(observed).observe()


@pytest.mark.fault("F05")
@pytest.mark.parametrize(("observed", "plan", "step"), STEPS[::7])
def test_after_a_fault_of_our_own_the_host_is_as_before_too(observed, plan, step):
    kernel = Faulty(MemoryKernel(observed), step, "break")
    with pytest.raises(UndoneError, match=r"^OSError: unforeseen; everything was changed back$"):
        run(plan, kernel)
    assert kernel.observe() == MemoryKernel(observed).observe()


@pytest.mark.fault("F06")
@pytest.mark.parametrize(("observed", "plan", "step"), STEPS)
def test_a_step_that_only_seems_done_is_found_and_everything_undone(observed, plan, step):
    kernel = Faulty(MemoryKernel(observed), step, "drop")
    dropped = run(plan, MemoryKernel(observed)).changes[step]
    if (dropped.action, dropped.kind) == (REMOVE, kinds.POLICED):
        # Done all the same, when the policy goes.
        assert run(plan, kernel).changes
        assert run(plan, kernel.inner).changes == ()
        return
    with pytest.raises(UndoneError, match="everything was changed back") as caught:
        run(plan, kernel)
    # Where a later step needs the one that was dropped, that one is refused before anything is verified.
    assert isinstance(caught.value.__cause__, (VerifyError, KernelError))
    assert kernel.observe() == MemoryKernel(observed).observe()


@pytest.mark.fault("F04")
@pytest.mark.parametrize(("observed", "plan", "step"), STEPS)
def test_a_run_that_is_killed_is_finished_by_the_next(observed, plan, step):
    kernel = Faulty(MemoryKernel(observed), step, "die")
    with pytest.raises(Died):
        run(plan, kernel)
    run(plan, kernel.inner)
    assert run(plan, kernel.inner).changes == ()
    assert kernel.observe().foreign == observed.foreign


@pytest.mark.parametrize(("observed", "plan", "step"), STEPS)
def test_a_run_that_is_killed_before_its_end_boots_the_plan_before_it(observed, plan, step):
    kernel = Faulty(MemoryKernel(observed), step, "die")
    with pytest.raises(Died):
        run(plan, kernel)
    finished = [change.kind for change in kernel.applied if change.kind in (kinds.FILE, kinds.PROGRAM)]
    if not finished:
        stored = (kinds.FILE, kinds.PROGRAM)
        assert [kernel.observe().state[kind] for kind in stored] == [observed.state.get(kind, {}) for kind in stored]


@pytest.mark.fault("F06")
def test_what_only_seems_done_is_named():
    observed, plan = NEW_HUB
    steps = run(plan, MemoryKernel(observed)).changes
    step = [str(change) for change in steps].index("~ sysctl net.ipv4.ip_forward (value 0 → 1)")
    with pytest.raises(UndoneError) as caught:
        run(plan, Faulty(MemoryKernel(observed), step, "drop"))
    assert str(caught.value) == (
        "after applying the plan the host still differs: ~ sysctl net.ipv4.ip_forward (value 0 → 1); "
        "everything was changed back"
    )


def test_an_undo_that_is_refused_too_is_told_with_both_reasons():
    observed, plan = NEW_HUB
    kernel = Faulty(MemoryKernel(observed), 5, refusals=1000)
    with pytest.raises(UndoneError) as caught:
        run(plan, kernel)
    text = str(caught.value)
    assert text.count("Device or resource busy") == 2
    assert text.endswith("; the host is between two states, run again to mend it")


def test_an_undo_that_only_seems_done_says_what_is_left():
    observed, plan = NEW_HUB

    class Stubborn(Faulty):
        """Refuses a step, and then does nothing of the way back."""

        def apply(self, changes):
            if self.how == "refuse":
                try:
                    super().apply(changes)
                finally:
                    self.how = "nothing"

    with pytest.raises(UndoneError) as caught:
        run(plan, Stubborn(MemoryKernel(observed), 1))
    assert "; undone except for: - " in str(caught.value)


def test_a_host_as_planned_is_not_touched():
    observed = built(hub(1, 2))
    kernel = Faulty(MemoryKernel(observed), 0)
    assert converge(hub(1, 2), kernel, PROGRAMS[0]).changes == ()
    assert kernel.done == 0


def test_a_conflict_is_found_before_anything_is_applied():
    kernel = Faulty(host(Foreign(links=(ForeignLink("vxkr2", "dummy"),))), 0)
    with pytest.raises(ConflictError, match=r"^hub: link vxkr2: exists and was not made by weft"):
        converge(hub(1, 2, 3), kernel, PROGRAMS[0])
    assert kernel.done == 0


def test_notes_say_how_the_plan_was_met():
    kernel = MemoryKernel(host().observe()._replace(capabilities=Capabilities(False, "none")))
    assert converge(hub(1), kernel).notes == ("kohaku-host is an empty bridge: this kernel has no dummy device",)


def test_at_boot_neither_files_nor_program_are_written_again():
    outcome = converge(hub(1), host())
    assert not {change.kind for change in outcome.changes} & {kinds.FILE, kinds.PROGRAM}


@pytest.mark.fault("F02")
@settings(max_examples=60, deadline=None)
@given(hosts())
def test_check_mode_says_what_the_run_then_does(world):
    """Check mode is this very transaction on a copy in memory; here the host is one, too, that counts."""
    plan, observed = world
    real = Faulty(MemoryKernel(observed))
    said = run(plan, MemoryKernel(real.observe()), 0)
    assert real.observe() == MemoryKernel(observed).observe(), "saying what would be done has done something"
    assert run(plan, real, 0) == said
    assert tuple(real.applied) == said.changes


@pytest.mark.fault("F05")
@settings(max_examples=60, deadline=None)
@given(hosts(), st.integers(min_value=0, max_value=40), st.sampled_from(("refuse", "drop")))
def test_from_any_state_a_run_arrives_or_leaves_everything_as_it_was(world, step, how):
    plan, observed = world
    before = MemoryKernel(observed).observe()
    kernel = Faulty(MemoryKernel(observed), step, how)
    try:
        run(plan, kernel, 0)
    except UndoneError:
        assert kernel.observe() == before
    else:
        assert run(plan, kernel.inner, 0).changes == ()


def test_a_policy_without_the_programs_that_judge_by_it_is_refused_before_anything_is_looked_at():
    with pytest.raises(PlanError, match="the programs that judge by it did not come along"):
        converge(with_policy(hub(1), 1), None)


def test_borrowed_routes_are_those_of_the_host_as_it_is():
    plan = hub(1)._replace(borrowed=(Borrowed("0.0.0.0/0", 119001), Borrowed("192.168.7.0/24", 119002)))
    kernel = host(
        Foreign(links=(ForeignLink("eth0", "device"),), routes=(ForeignRoute("0.0.0.0/0", "eth0", via="192.0.2.9"),))
    )
    outcome = converge(plan, kernel)
    found = {key: route for key, route in kernel.observe().state[kinds.ROUTE].items() if route.link == "eth0"}
    assert found == {
        "0.0.0.0/0 table 119001": Route("0.0.0.0/0", "192.0.2.9", "eth0", "", 119001),
        "192.168.7.0/24 table 119002": Route("192.168.7.0/24", "192.0.2.9", "eth0", "", 119002),
    }
    assert outcome.notes == ()
    assert converge(plan, kernel).changes == ()
