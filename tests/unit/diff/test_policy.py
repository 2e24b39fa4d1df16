# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies among the other objects of a host: what is wanted, the order of its coming and going, what is in its way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.diff.conflicts import conflicts
from ansible_collections.weft.overlay.plugins.module_utils.diff.fields import differing
from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import LoadedPolicy, digest_of, objects_of
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import NO_ATTACHMENT, Attachment
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from tests.unit.diff.worlds import OBJECTS, OVERLAYS, PROGRAMS, hosts, seen, wanted, with_policy

CAPABLE = Capabilities(True, "none")
PLAIN = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", (Spoke("runner1", 1, "192.0.2.1", 1450),))
PLAN = with_policy(PLAIN, 1)


def state(plan, objects=OBJECTS[0]):
    """As a host has it that was made by this plan."""
    found = wanted(plan, CAPABLE, PROGRAMS[0], objects)
    return {**found, kinds.POLICY: {key: seen(policy) for key, policy in found[kinds.POLICY].items()}}


def told(before, after):
    return [str(change) for change in changes(after, before) if change.kind in (kinds.POLICY, kinds.POLICED)]


def test_a_plan_without_a_policy_wants_none():
    assert (state(PLAIN)[kinds.POLICY], state(PLAIN)[kinds.POLICED]) == ({}, {})


def test_a_policy_is_known_by_its_maps_without_attachments():
    (policy,) = wanted(PLAN, CAPABLE)[kinds.POLICY].values()
    assert (policy.digest, policy.objects) == (digest_of(PLAN.policy), OBJECTS[0].digest)
    assert (policy.maps, policy.files) == (PLAN.policy, OBJECTS[0].files)
    elsewhere = PLAN.policy._replace(attachments=())
    assert digest_of(elsewhere) == policy.digest
    assert digest_of(elsewhere._replace(networks=())) != policy.digest
    assert len(bytes.fromhex(policy.digest)) == 32


def test_objects_are_known_by_their_names_and_contents():
    digests = [
        objects_of(files).digest
        for files in ((), (("a", b"xy"),), (("a", b"x"), ("b", b"y")), (("a", b"x"), ("c", b"y")), (("ax", b"y"),))
    ]
    assert len(set(digests)) == len(digests)
    assert objects_of((("b", b""), ("a", b""))) == objects_of((("a", b""), ("b", b"")))


def test_what_is_loaded_is_compared_by_its_digests_alone():
    assert told(state(PLAN), wanted(PLAN, CAPABLE)) == []
    assert told(state(PLAN), wanted(with_policy(PLAIN, 2), CAPABLE)) == ["~ policy policy (digest)"]
    other = wanted(PLAN, CAPABLE, PROGRAMS[0], OBJECTS[1])
    assert told(state(PLAN), other) == ["~ policy policy (objects)"]


def test_the_policy_judges_before_the_first_link_and_programs_follow_their_links_at_once():
    order = [(change.action, change.kind, change.key) for change in changes(wanted(PLAN, CAPABLE), {})]
    assert order.index((ADD, kinds.POLICY, "policy")) < order.index((ADD, kinds.LINK, "kohaku-host"))
    links = [place for place, (_action, kind, _key) in enumerate(order) if kind == kinds.LINK]
    assert order[links[-1] + 1] == (ADD, kinds.POLICED, "vxkr1")


def test_hooks_are_released_when_nothing_else_is_left_and_then_maps_go():
    found = changes(state(PLAIN), state(PLAN))
    assert [(change.action, change.kind) for change in found if change.kind != kinds.FILE] == [
        (REMOVE, kinds.SERVICE),
        (REMOVE, kinds.POLICED),
        (REMOVE, kinds.POLICY),
    ]


def test_a_link_that_is_made_anew_gets_its_programs_anew():
    other = PLAN._replace(links=(PLAN.links[0], PLAN.links[1]._replace(vni=999)))
    assert told(state(PLAN), wanted(other, CAPABLE)) == ["+ policed interface vxkr1"]


def test_a_link_that_goes_takes_its_programs_along():
    alone = with_policy(hub_plan(OVERLAYS[0], "hub", "192.0.2.250", ()), 1)
    assert told(state(PLAN), wanted(alone, CAPABLE)) == []


def test_an_interface_that_was_found_damaged_is_mended_and_never_damaged_again():
    whole, damaged = Attachment("vxkr1", 1, 0, 0), Attachment("vxkr1", NO_ATTACHMENT, 0, 0)
    before = {**state(PLAN), kinds.POLICED: {"vxkr1": damaged}}
    assert told(before, wanted(PLAN, CAPABLE)) == ["~ policed interface vxkr1 (number 0 → 1)"]
    assert told(before, wanted(PLAIN, CAPABLE)) == ["- policed interface vxkr1", "- policy policy"]
    assert differing(whole, damaged) == ()


def test_a_policy_of_which_nobody_knows_what_it_was_is_replaced_and_never_put_back():
    unknown = LoadedPolicy("", "")
    before = {**state(PLAN), kinds.POLICY: {"policy": unknown}}
    (change,) = changes(wanted(PLAN, CAPABLE), before)
    assert (change.action, change.kind) == (CHANGE, kinds.POLICY)
    assert differing(change.after, unknown) == ()


def faults(plan, capabilities=CAPABLE, **foreign):
    return [str(fault) for fault in conflicts(plan, Observed(capabilities, {}, Foreign(**foreign)))]


def test_what_a_kernel_lacks_is_named_where_there_is_a_policy():
    unable = CAPABLE._replace(unable=("kernel 5.4.0 has no ring buffers (5.8)", "kernel 5.4.0 has no tea"))
    assert faults(PLAN, unable) == [
        "hub: policies: kernel 5.4.0 has no ring buffers (5.8); or take it out of every network",
        "hub: policies: kernel 5.4.0 has no tea; or take it out of every network",
    ]
    assert faults(PLAIN, unable) == []
    assert faults(PLAN, CAPABLE._replace(unable=())) == []


@pytest.mark.parametrize(("link", "count"), [("vxkr1", 1), ("kohaku-host", 0), ("other", 0)])
def test_who_is_at_a_hook_is_in_the_way_of_policed_interfaces_alone(link, count):
    found = faults(PLAN, hooks=((link, "has a filter of somebody else"),))
    assert found == [f"hub: policed interface {link}: has a filter of somebody else"] * count


@settings(max_examples=100, deadline=None)
@given(hosts())
def test_no_policed_link_is_there_without_its_programs_for_longer_than_links_are_made(host):
    """What kernel/ does in one step: between a new link and its programs nothing comes but links and programs."""
    plan, observed = host
    order = changes(wanted(plan, observed.capabilities), observed.state)
    policed = {change.key for change in order if change.kind == kinds.POLICED and change.action == ADD}
    for place, change in enumerate(order):
        if change.kind == kinds.LINK and change.action == ADD and change.key in policed:
            end = next(n for n, later in enumerate(order) if later.kind == kinds.POLICED and later.key == change.key)
            assert {later.kind for later in order[place:end]} <= {kinds.LINK, kinds.POLICED}
