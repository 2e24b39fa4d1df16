# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold between any plan and any state that a host can be in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, REMOVE
from tests.unit.diff.worlds import FOREIGN, hosts, wanted


@pytest.mark.fault("F01")
@settings(max_examples=150, deadline=None)
@given(hosts(rests=True))
def test_nothing_is_left_to_do_after_doing_it(host):
    """The kernel in memory refuses what comes in a wrong order, so this is also about the order."""
    plan, observed = host
    state = wanted(plan, observed.capabilities)
    kernel = MemoryKernel(observed)
    kernel.apply(changes(state, observed.state))
    assert changes(state, kernel.observe().state) == ()
    assert kernel.observe().foreign == FOREIGN


@settings(max_examples=150, deadline=None)
@given(hosts(), st.integers(min_value=0, max_value=60))
def test_the_way_back_from_any_step_leads_to_where_it_began(host, steps):
    plan, observed = host
    state = wanted(plan, observed.capabilities)
    checkpoint = {kind: observed.state.get(kind, {}) for kind in state}
    kernel = MemoryKernel(observed)
    kernel.apply(changes(state, observed.state)[:steps])
    kernel.apply(changes(checkpoint, kernel.observe().state))
    found = kernel.observe().state
    assert {kind: found[kind] for kind in checkpoint} == checkpoint
    assert kernel.observe().foreign == FOREIGN


@pytest.mark.fault("F04")
@settings(max_examples=100, deadline=None)
@given(hosts(), st.integers(min_value=0, max_value=60))
def test_a_run_that_stopped_anywhere_is_finished_by_the_next(host, steps):
    plan, observed = host
    state = wanted(plan, observed.capabilities)
    kernel = MemoryKernel(observed)
    kernel.apply(changes(state, observed.state)[:steps])
    kernel.apply(changes(state, kernel.observe().state))
    assert changes(state, kernel.observe().state) == ()


@settings(max_examples=100, deadline=None)
@given(hosts(), st.randoms(use_true_random=False))
def test_the_same_states_give_the_same_changes_in_the_same_order(host, random):
    plan, observed = host
    state = wanted(plan, observed.capabilities)

    def shuffled(values):
        return dict(random.sample(list(values.items()), len(values)))

    again = changes(
        shuffled({k: shuffled(v) for k, v in state.items()}), {k: shuffled(v) for k, v in observed.state.items()}
    )
    assert again == changes(state, observed.state)


@settings(max_examples=100, deadline=None)
@given(hosts())
def test_every_change_is_one_of_something_and_says_so(host):
    plan, observed = host
    state = wanted(plan, observed.capabilities)
    for change in changes(state, observed.state):
        assert change.kind in state
        assert (change.before is None) == (change.action == ADD)
        assert (change.after is None) == (change.action == REMOVE)
        assert all(value.key() == change.key for value in (change.before, change.after) if value is not None)
        assert change.before != change.after
        assert str(change).startswith(f"{'+~-'[('add', 'change', 'remove').index(change.action)]} {change.kind} ")


@pytest.mark.fault("F14")
@settings(max_examples=100, deadline=None)
@given(hosts())
def test_the_filter_is_there_before_the_first_link_and_goes_after_the_last(host):
    plan, observed = host
    order = [(c.action, c.kind) for c in changes(wanted(plan, observed.capabilities), observed.state)]
    network = [place for place, (_action, kind) in enumerate(order) if kind in (kinds.LINK, kinds.ADDRESS, kinds.ROUTE)]
    for place, (action, kind) in enumerate(order):
        if kind == kinds.RULESET and network:
            assert place > network[-1] if action == REMOVE else place < network[0]


@settings(max_examples=100, deadline=None)
@given(hosts())
def test_what_boots_is_written_last_but_for_what_runs_it(host):
    plan, observed = host
    order = [change.kind for change in changes(wanted(plan, observed.capabilities), observed.state)]
    stored = [kind in (kinds.FILE, kinds.PROGRAM) for kind in order if kind != kinds.SERVICE]
    assert stored == sorted(stored)
