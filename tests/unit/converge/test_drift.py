# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host is not as planned in is found, whatever it is, and told in words for the one who is called at night."""

from __future__ import annotations

import pytest
from hypothesis import given

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan, runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.converge.drift import drift
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.diff.objects import changes
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import NO_ATTACHMENT
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.status import BLOCKED, DRIFT, IN_SYNC
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import OVERLAY_UNIT, WATCH_UNIT, Program
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer
from tests.unit.diff.worlds import KERNEL_RULES, OBJECTS, OVERLAYS, PROGRAMS, hosts, wanted, with_policy

KEY, OTHER_KEY = "k" * 43 + "=", "o" * 43 + "="


def plan_of_a_hub():
    spokes = (Spoke("runner1", 1, "192.0.2.1", 1450), Spoke("runner2", 2, "192.0.2.2", 1450))
    plan = with_policy(hub_plan(OVERLAYS[0], "hub", "192.0.2.250", spokes), 1)
    wg0 = plan.links[-1]._replace(
        name="wg0", kind="wireguard", mac="", vni=None, port=None, local=None, remote=None, mtu=1420
    )
    device = Device("wg0", KEY, 51820)
    peer = Peer("wg0", OTHER_KEY, "phone", ("10.8.0.2/32",), 25)
    return plan._replace(links=(*plan.links, wg0), devices=(device,), peers=(peer,))


PLAN = plan_of_a_hub()


@pytest.fixture
def seen():
    """A host as planned. The state is the test's to spoil."""
    foreign = Foreign(zones=("trusted",), rules=KERNEL_RULES)
    kernel = MemoryKernel(Observed(Capabilities(True, "firewalld", docker=True, wireguard=True), {}, foreign, now=1000))
    converge(PLAN, kernel, PROGRAMS[0], OBJECTS[0])
    return kernel.observe()


def found(seen, plan=PLAN):
    told = drift(plan, seen, PROGRAMS[0], OBJECTS[0])
    return [str(difference) for difference in told.differences]


def test_a_host_as_planned_is_in_sync(seen):
    told = drift(PLAN, seen, PROGRAMS[0], OBJECTS[0])
    assert (told.state, told.differences, told.in_the_way) == (IN_SYNC, (), ())


def test_what_is_remembered_of_before_is_no_difference(seen):
    switches = {"net.ipv4.ip_forward": Sysctl("net.ipv4.ip_forward", "0")}
    kernel = MemoryKernel(seen._replace(state={**seen.state, kinds.SYSCTL: switches}))
    converge(PLAN, kernel, PROGRAMS[0], OBJECTS[0])
    remembered = kernel.observe()
    assert remembered.state[kinds.ORIGIN]
    assert found(remembered) == []
    del remembered.state[kinds.ORIGIN]
    assert found(remembered) == []


def spoil(seen, kind, key, /, **fields):
    values = seen.state[kind]
    if fields:
        values[key] = values[key]._replace(**fields)
    else:
        del values[key]


@pytest.mark.parametrize(
    ("kind", "key", "fields", "words"),
    [
        (kinds.LINK, "vxkr1", {"mtu": 1400}, "link vxkr1: differs (mtu 1400, planned 1450)"),
        (kinds.LINK, "vxkr1", {"up": False}, "link vxkr1: differs (up no, planned yes)"),
        (kinds.LINK, "vxkr1", {"alias": ""}, "link vxkr1: differs (alias none, planned weft:runner1)"),
        (kinds.LINK, "vxkr1", {"vni": 7}, "link vxkr1: differs (vni 7, planned 101)"),
        (kinds.LINK, "wg0", {"kind": ""}, "link wg0: missing (its service makes none)"),
        (kinds.SERVICE, WATCH_UNIT.name, {}, f"service {WATCH_UNIT.name}: missing"),
        (kinds.SERVICE, WATCH_UNIT.name, {"digest": "old"}, f"service {WATCH_UNIT.name}: differs (of another release)"),
        (kinds.POLICED, "vxkr1", {}, "policed interface vxkr1: missing"),
        (
            kinds.POLICED,
            "vxkr1",
            {"number": NO_ATTACHMENT},
            "policed interface vxkr1: differs (a program of ours is not attached, or is another one)",
        ),
        (kinds.POLICY, "policy", {"digest": "f" * 64}, "policy: differs (another policy judges)"),
        (kinds.RULESET, "nft", {}, "ruleset nft: missing"),
        (kinds.FILE, OVERLAY_UNIT.path, {}, f"file {OVERLAY_UNIT.path}: missing"),
        (kinds.FILE, OVERLAY_UNIT.path, {"text": "edited"}, f"file {OVERLAY_UNIT.path}: differs (content)"),
        (
            kinds.FILE,
            OVERLAY_UNIT.path,
            {"mode": 0o666},
            f"file {OVERLAY_UNIT.path}: differs (mode 0666, planned 0644)",
        ),
        (
            kinds.SYSCTL,
            "net.ipv4.ip_forward",
            {"value": "0"},
            "sysctl net.ipv4.ip_forward: differs (value 0, planned 1)",
        ),
        (kinds.PEER, f"wg0 {OTHER_KEY}", {}, "wireguard peer wg0 phone (oooooooo…): missing"),
        (
            kinds.PEER,
            f"wg0 {OTHER_KEY}",
            {"allowed_ips": ()},
            "wireguard peer wg0 phone (oooooooo…): differs (allowed_ips none, planned 10.8.0.2/32)",
        ),
        (
            kinds.PEER,
            f"wg0 {OTHER_KEY}",
            {"preshared": None},
            "wireguard peer wg0 phone (oooooooo…): differs (preshared key)",
        ),
        (
            kinds.DEVICE,
            "wg0",
            {"public_key": ""},
            "wireguard device wg0: differs (public_key none, planned kkkkkkkk…)",
        ),
        (kinds.PROGRAM, "program", {"digest": "x"}, "program: differs (of another release)"),
    ],
)
def test_each_drift_is_named_and_nothing_else(seen, kind, key, fields, words):
    spoil(seen, kind, key, **fields)
    assert found(seen) == [words]


def test_a_deleted_link_is_missing_with_all_that_hung_on_it(seen):
    kernel = MemoryKernel(seen)
    kernel.apply(changes({kinds.LINK: {k: v for k, v in seen.state[kinds.LINK].items() if k != "vxkr1"}}, seen.state))
    assert found(kernel.observe()) == [
        "link vxkr1: missing",
        "policed interface vxkr1: missing",
        "address vxkr1 10.1.0.254/16: missing",
        "route 10.1.0.0/16: missing",
    ]


def test_what_hangs_on_a_link_that_has_to_be_made_anew_is_not_missing(seen):
    spoil(seen, kinds.LINK, "vxkr1", vni=7, mtu=1400)
    assert found(seen) == ["link vxkr1: differs (vni 7, planned 101; mtu 1400, planned 1450)"]


def test_a_line_of_the_firewall_is_told_by_itself(seen):
    rules = seen.state[kinds.RULESET]["nft"]
    gone, *kept = rules.signature
    spoil(seen, kinds.RULESET, "nft", signature=(*kept, "accept everything"))
    (told,) = found(seen)
    assert told == f"ruleset nft: differs (missing: {gone[:60]}{'…' * (len(gone) > 60)}; too much: accept everything)"


def test_what_is_ours_and_not_planned_is_too_much(seen):
    seen.state[kinds.PEER][f"wg0 {KEY}"] = Peer("wg0", KEY)
    seen.state[kinds.LINK]["vxkr9"] = seen.state[kinds.LINK]["vxkr1"]._replace(name="vxkr9", vni=109)
    assert found(seen) == ["link vxkr9: too much", "wireguard peer wg0 kkkkkkkk…: too much"]


def test_no_whole_key_is_ever_told(seen):
    seen.state[kinds.DEVICE]["wg0"] = Device("wg0", OTHER_KEY, 1)
    seen.state[kinds.PEER].clear()
    told = " ".join(found(seen))
    assert "oooooooo…, planned kkkkkkkk…" in told
    assert KEY not in told
    assert OTHER_KEY not in told


def test_foreign_state_in_the_way_is_told_apart_from_drift(seen):
    told = drift(PLAN, seen._replace(foreign=seen.foreign._replace(faults=(("file /x", "is not ours"),))), PROGRAMS[0])
    assert (told.state, told.in_the_way) == (BLOCKED, (("file /x", "is not ours"),))
    spoil(seen, kinds.LINK, "vxkr1")
    taken = seen._replace(foreign=seen.foreign._replace(links=(ForeignLink("vxkr1", "dummy"),)))
    told = drift(PLAN, taken, PROGRAMS[0], OBJECTS[0])
    assert told.state == DRIFT
    assert told.in_the_way[0][0] == "link vxkr1"


def test_docker_networks_are_looked_at():
    runner = runner_plan(OVERLAYS[0], Spoke("runner1", 1, "192.0.2.1", 1450), "hub", "192.0.2.250")
    (network,) = runner.networks

    def told(networks, docker=True):
        look = Observed(Capabilities(True, "none", docker=docker), {}, Foreign(networks=networks))
        one = drift(runner, look, PROGRAMS[0])
        return [str(difference) for difference in one.differences if difference.kind.startswith("Docker")]

    there = SeenNetwork(network, ours=True, subnets=(network.subnet,), containers=())
    assert told((there,)) == []
    assert told(()) == [f"Docker network {network.name}: missing"]
    changed = there._replace(network=network._replace(mtu=1000))
    assert told((changed,)) == [f"Docker network {network.name}: differs (mtu 1000, planned 1450)"]
    old = there._replace(network=network._replace(name="old"))
    assert told((there, old)) == ["Docker network old: too much"]
    assert told((), docker=False) == ["Docker: missing (it does not answer)"]


@given(hosts())
def test_there_is_drift_exactly_where_a_run_would_change_something(situation):
    plan, seen = situation
    told = drift(plan, seen, PROGRAMS[0], OBJECTS[0], docker=False)
    assert bool(told.differences) == bool(changes(wanted(plan, seen.capabilities), seen.state))
    names = [(one.kind, one.name) for one in told.differences]
    assert len(set(names)) == len(names)


def test_a_program_of_no_name_is_another_one(seen):
    told = drift(PLAN, seen, Program("z"), OBJECTS[0])
    assert "program: differs (of another release)" in map(str, told.differences)


def test_a_switch_of_nobody_is_no_drift(seen):
    seen.state[kinds.SYSCTL]["net.ipv6.conf.all.forwarding"] = Sysctl("net.ipv6.conf.all.forwarding", "1")
    assert found(seen) == []
