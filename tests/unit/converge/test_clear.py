# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The way to nothing: what of ours goes, in which order, what comes back, and what is left alone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError, clear, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import REMOVE
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Foreign, Uplink
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import FORWARDING, FORWARDING6, Sysctl
from tests.unit.converge.test_transaction import CASES, RUNNER, Died, Faulty, built, host, hub, run
from tests.unit.diff.worlds import hosts, with_networks, with_policy

BARE = host().observe()
PLANS = {
    "a hub": hub(1, 2, 3),
    "a runner": RUNNER,
    "a hub with networks": with_networks(hub(1), (1, 254)),
    "a hub with a policy": with_policy(hub(1, 2), 1),
}
STEPS = [
    pytest.param(plan, step, id=f"{name}, step {step}")
    for name, plan in PLANS.items()
    for step in range(len(clear(MemoryKernel(built(plan))).changes))
]


def with_switches(observed, **values):
    """Names with _ where dots or slashes are would be ambiguous: `forwarding`, `forwarding6` and whole names."""
    names = {"forwarding": FORWARDING, "forwarding6": FORWARDING6}
    switches = {names.get(name, name): Sysctl(names.get(name, name), value) for name, value in values.items()}
    return observed._replace(state={**observed.state, kinds.SYSCTL: switches})


def switches(kernel):
    return {name: switch.value for name, switch in kernel.observe().state[kinds.SYSCTL].items()}


def set_switch(kernel, name, value):
    observed = kernel.observe()
    found = {**observed.state[kinds.SYSCTL], name: Sysctl(name, value)}
    return MemoryKernel(observed._replace(state={**observed.state, kinds.SYSCTL: found}))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_host_is_as_it_was_before_its_first_plan(plan):
    kernel = MemoryKernel(built(plan))
    clear(kernel)
    assert kernel.observe().state == MemoryKernel(BARE).observe().state


def test_whatever_of_ours_a_host_has_goes_without_a_plan():
    for observed, plan in CASES.values():
        kernel = MemoryKernel(observed)
        run(plan, kernel)
        clear(kernel)
        left = {kind: values for kind, values in kernel.observe().state.items() if values and kind != kinds.SYSCTL}
        assert left == {}


@settings(max_examples=200, deadline=None)
@given(hosts(rests=True))
def test_a_host_in_whatever_state_is_cleared_and_a_second_time_nothing_is_left_to_do(case):
    _plan, observed = case
    kernel = MemoryKernel(observed)
    clear(kernel)
    left = {kind for kind, values in kernel.observe().state.items() if values}
    assert left <= {kinds.SYSCTL}
    assert kernel.observe().foreign == observed.foreign
    assert clear(kernel).changes == ()


def test_a_host_that_never_had_anything_of_ours_is_left_alone():
    assert clear(host()).changes == ()


@pytest.mark.parametrize(("plan", "step"), STEPS)
def test_after_a_step_that_is_refused_the_host_is_as_before(plan, step):
    observed = built(plan)
    kernel = Faulty(MemoryKernel(observed), step)
    with pytest.raises(UndoneError, match=r": Device or resource busy; everything was changed back$"):
        clear(kernel)
    assert kernel.observe() == MemoryKernel(observed).observe()


@pytest.mark.fault("F04")
@pytest.mark.parametrize(("plan", "step"), STEPS)
def test_after_it_was_killed_at_any_step_the_next_one_does_the_rest(plan, step):
    kernel = Faulty(MemoryKernel(built(plan)), step, "die")
    with pytest.raises(Died):
        clear(kernel)
    clear(kernel.inner)
    assert kernel.observe().state == MemoryKernel(BARE).observe().state


@pytest.mark.fault("F04")
@pytest.mark.parametrize(("plan", "step"), STEPS)
def test_nothing_is_open_that_was_closed(plan, step):
    """As long as packets can come in by a link of ours, and the host forwards, what judges and filters them stands."""
    observed = built(plan)
    kernel = Faulty(MemoryKernel(observed), step + 1, "die")
    with suppress(Died):
        clear(kernel)
    state = kernel.observe().state
    guards = (kinds.RULESET, kinds.FIREWALLD_POLICY, kinds.POLICY)
    if state[kinds.LINK]:
        assert {kind: state[kind] for kind in guards} == {kind: observed.state[kind] for kind in guards}
        assert all(name in state[kinds.POLICED] for name in observed.state[kinds.POLICED] if name in state[kinds.LINK])
    if any(state[kind] != observed.state[kind] for kind in guards):
        assert switches(kernel)[FORWARDING] == "0"


def test_the_policy_is_the_last_of_the_kernels_objects_to_go():
    done = [change.kind for change in clear(MemoryKernel(built(with_policy(hub(1, 2), 1)))).changes]
    assert done[done.index(kinds.POLICY) + 1 :] == [kinds.ORIGIN, *[kinds.FILE] * done.count(kinds.FILE), kinds.PROGRAM]


def test_nothing_is_there_for_the_next_boot_before_the_code_goes():
    done = [(change.action, change.kind) for change in clear(MemoryKernel(built(hub(1)))).changes]
    assert done[-1] == (REMOVE, kinds.PROGRAM)
    assert {kind for _action, kind in done[-5:-1]} == {kinds.FILE}


class TestSwitches:
    def test_what_was_is_remembered_before_it_is_changed(self):
        done = [str(change) for change in run(hub(1), host()).changes]
        assert done[0] == "+ original sysctl net.ipv4.ip_forward"
        assert done.index("~ sysctl net.ipv4.ip_forward (value 0 → 1)") > 0

    def test_a_run_without_persistence_leaves_nothing_on_the_disk_and_a_boot_goes_on_with_what_is_there(self):
        kernel = host()
        converge(hub(1), kernel)
        assert kernel.observe().state[kinds.ORIGIN] == {}
        kernel = MemoryKernel(built(hub(1)))
        assert converge(hub(1), kernel).changes == ()
        assert list(kernel.observe().state[kinds.ORIGIN]) == ["sysctl net.ipv4.ip_forward"]

    def test_what_we_made_of_it_never_takes_its_place(self):
        kernel = host()
        run(hub(1), kernel)
        run(hub(1, 2), kernel)
        # As after a boot, and after a hand.
        for value in ("0", "1"):
            kernel = set_switch(kernel, FORWARDING, value)
            run(hub(1, 2), kernel)
        clear(kernel)
        assert switches(kernel)[FORWARDING] == "0"

    def test_one_that_was_on_before_stays_on(self):
        kernel = MemoryKernel(with_switches(BARE, forwarding="1"))
        run(hub(1), kernel)
        # After a boot, Docker has not started yet.
        kernel = set_switch(kernel, FORWARDING, "0")
        run(hub(1), kernel)
        clear(kernel)
        assert switches(kernel)[FORWARDING] == "1"

    def test_one_that_somebody_else_has_changed_since_is_theirs(self):
        kernel = host()
        run(hub(1), kernel)
        kernel = set_switch(kernel, FORWARDING, "2")
        done = clear(kernel)
        assert switches(kernel)[FORWARDING] == "2"
        assert done.notes == ("net.ipv4.ip_forward stays 2: somebody else has changed it since (before weft it was 0)",)

    def test_docker_keeps_what_it_would_not_switch_on_again(self):
        kernel = host()
        run(hub(1), kernel)
        observed = kernel.observe()
        docker = observed._replace(capabilities=observed.capabilities._replace(docker=True))
        done = clear(kernel := MemoryKernel(docker))
        assert switches(kernel)[FORWARDING] == "1"
        assert done.notes == ("net.ipv4.ip_forward stays 1: Docker runs here and needs it (before weft it was 0)",)

    def test_switches_of_links_come_back_too(self):
        """Writing the host-wide one changes those of all links, and switching it off does not bring them back."""
        before = {
            FORWARDING: "0",
            "net/ipv4/conf/all/accept_redirects": "0",
            "net/ipv4/conf/eth0.7/forwarding": "1",
            FORWARDING6: "0",
            "net/ipv6/conf/eth1/forwarding": "1",
            "net/ipv6/conf/eth0/accept_ra": "1",
        }
        kernel = MemoryKernel(with_switches(BARE, **before))
        plan = hub(1)._replace(sysctls=(Sysctl(FORWARDING, "1"), Sysctl(FORWARDING6, "1")))
        done = [str(change) for change in run(plan, kernel).changes if change.kind == kinds.SYSCTL]
        assert done[0] == "~ sysctl net/ipv6/conf/eth0/accept_ra (value 1 → 2)"
        assert set(switches(kernel).values()) == {"0", "1", "2"}
        assert switches(kernel)["net/ipv4/conf/all/accept_redirects"] == "0"
        assert run(plan, kernel).changes == ()
        done = [str(change) for change in clear(kernel).changes if change.kind == kinds.SYSCTL]
        assert switches(kernel) == before
        assert done[:2] == [
            "~ sysctl net.ipv4.ip_forward (value 1 → 0)",
            "~ sysctl net.ipv6.conf.all.forwarding (value 1 → 0)",
        ]

    def test_undoing_a_first_run_brings_them_back_as_well(self):
        before = with_switches(BARE, **{FORWARDING: "0", "net/ipv4/conf/eth0/forwarding": "1"})
        steps = len(run(hub(1), MemoryKernel(before)).changes)
        kernel = Faulty(MemoryKernel(before), steps - 1)
        with pytest.raises(UndoneError, match="everything was changed back"):
            run(hub(1), kernel)
        assert kernel.observe() == MemoryKernel(before).observe()


class TestInTheWay:
    def test_containers_on_our_networks(self):
        network = DockerNetwork("kohakuriver-overlay", "10.1.0.0/16", "10.1.0.1", "kohaku-overlay", 1450, False)
        foreign = Foreign(networks=(SeenNetwork(network, True, ("10.1.0.0/16",), ("db", "web")),))
        observed = built(RUNNER)
        kernel = Faulty(MemoryKernel(observed._replace(foreign=foreign)))
        with pytest.raises(ConflictError) as caught:
            clear(kernel)
        assert str(caught.value) == (
            "this host: Docker network kohakuriver-overlay: containers run in it: db web; stop them first "
            "(docker stop db web), or cut them off with -e weft_disconnect=true"
        )
        assert kernel.applied == []

    def test_an_ssh_session_through_what_is_to_go(self):
        observed = built(hub(1))
        kernel = MemoryKernel(observed._replace(foreign=observed.foreign._replace(clients=("10.1.0.7",))))
        with pytest.raises(ConflictError, match=r"ssh session from 10\.1\.0\.7: comes through what is to be removed"):
            clear(kernel)

    @pytest.mark.parametrize(
        "foreign",
        [
            Foreign(routes=(ForeignRoute("10.1.0.0/24", "eth0"),)),
            Foreign(uplinks=(Uplink("10.1.0.1/24", "eth0", 1500),)),
        ],
    )
    def test_one_that_has_a_way_of_its_own_is_not_in_the_way(self, foreign):
        observed = built(hub(1))
        clear(MemoryKernel(observed._replace(foreign=foreign._replace(clients=("10.1.0.7", "192.0.2.7")))))
