# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A plan on different hosts: what each can do decides how the plan is met, and the report says so."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import (
    Spoke,
    hub_plan,
    isolated_plan,
    runner_plan,
    with_far_end,
)
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.diff.stored import files_of, services_of
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, DUMMY, VXLAN
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import from_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS, Attachment, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Borrowed
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Audit, Collector
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import (
    AUDIT_UNIT,
    COLLECT_UNIT,
    GUARD_UNIT,
    PATHS,
    PLAN_PATH,
    SEND_UNIT,
    WRITTEN_BY,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device
from tests.unit.diff.worlds import OVERLAYS, PROGRAMS

AUDIT = Audit(("192.0.2.3",), 5515, "PEM")
COLLECTOR = Collector(("192.0.2.3",), 5515, "/srv/weft", (("hub", "PEM"),))
HUB = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", (Spoke("runner1", 1, "192.0.2.1", 1450),))


def test_without_dummy_devices_the_hub_address_sits_on_an_empty_bridge_and_the_report_says_so():
    wanted = desired(HUB, Capabilities(dummy=False, firewall="none"))
    assert {link.name: link.kind for link in wanted.state[kinds.LINK].values()} == {
        "kohaku-host": BRIDGE,
        "vxkr1": VXLAN,
    }
    assert wanted.notes == ("kohaku-host is an empty bridge: this kernel has no dummy device",)


def test_with_dummy_devices_there_is_nothing_to_say():
    wanted = desired(HUB, Capabilities(dummy=True, firewall="none"))
    assert wanted.state[kinds.LINK]["kohaku-host"].kind == DUMMY
    assert wanted.notes == ()


def test_a_run_that_keeps_nothing_does_not_speak_of_files():
    assert not {kinds.FILE, kinds.PROGRAM} & set(desired(HUB, Capabilities(True, "none")).state)


def test_a_runner_in_default_mode_has_every_kind_emptied():
    state = desired(isolated_plan(OVERLAYS[0], "runner1"), Capabilities(True, "firewalld"), PROGRAMS[0]).state
    assert set(state) == set(kinds.PLANNED)
    assert {kind for kind, values in state.items() if values} == {kinds.PROGRAM, kinds.FILE}


def test_every_stored_file_is_one_that_observing_looks_at_and_knows_again():
    policy = PolicyMaps(attachments=(Attachment("kohaku-overlay", 1, 0, PORTS),))
    plan = HUB._replace(devices=(Device("wg0", "k" * 44),), policy=policy, audit=AUDIT, collector=COLLECTOR)
    files = files_of(plan)
    assert {file.path for file in files} == set(PATHS)
    assert {file.path for file in files} > {file.path for file in files_of(HUB)}
    assert all(WRITTEN_BY in file.text for file in files if file.target is None and file.path != PLAN_PATH)


def test_a_host_with_a_policy_tells_of_what_it_denies():
    plan = HUB._replace(policy=PolicyMaps())
    assert {service.unit for service in services_of(HUB, PROGRAMS[0])} == set()
    assert {service.unit for service in services_of(plan, PROGRAMS[0])} == {AUDIT_UNIT.name}
    assert {file.path for file in files_of(plan)} - {file.path for file in files_of(HUB)} == {
        AUDIT_UNIT.path,
        AUDIT_UNIT.enabled,
    }


@pytest.mark.fault("F57")
def test_who_sends_denials_and_who_collects_them_do_so_shut_in():
    plan = HUB._replace(audit=AUDIT, collector=COLLECTOR)
    assert [service.unit for service in services_of(plan, PROGRAMS[0])] == [SEND_UNIT.name, COLLECT_UNIT.name]
    texts = {file.path: file.text for file in files_of(plan)}
    assert {SEND_UNIT.enabled, COLLECT_UNIT.enabled} <= set(texts)
    for path in (SEND_UNIT.path, COLLECT_UNIT.path):
        assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "Type=notify"} <= set(texts[path].splitlines())
    assert "ReadWritePaths=-/srv/weft/audit" in texts[COLLECT_UNIT.path].splitlines()
    assert "StateDirectory=weft/audit" in texts[SEND_UNIT.path].splitlines()


@pytest.mark.parametrize(
    "more",
    [
        {"policy": PolicyMaps(attachments=(Attachment("kohaku-overlay", 1, 0, PORTS),))},
        {"borrowed": (Borrowed("0.0.0.0/0", 119001),)},
    ],
    ids=["ports", "borrowed routes"],
)
def test_a_host_with_others_ports_or_routes_is_guarded_and_docker_waits_for_it(more):
    plan = HUB._replace(**more)
    assert services_of(plan, PROGRAMS[0])[0].unit == GUARD_UNIT.name
    texts = {file.path: file.text for file in files_of(plan)}
    assert {GUARD_UNIT.path, GUARD_UNIT.enabled} <= set(texts)
    assert "\nBefore=docker.service\n" in texts[GUARD_UNIT.path]
    assert "\nType=notify\n" in texts[GUARD_UNIT.path]


def runner_with(flags, gates):
    """The links of a runner whose bridge has these flags, on a kernel with gates or without, and notes."""
    overlay = OVERLAYS[0]
    plan = runner_plan(overlay, Spoke("runner1", 1, "192.0.2.1", 1450), "hub", "192.0.2.250")
    policy = PolicyMaps(attachments=(Attachment(overlay.names.bridge, 1, 0, flags),))
    plan = plan._replace(links=tuple(map(with_far_end, plan.links)), policy=policy)
    wanted = desired(plan, Capabilities(dummy=True, firewall="none", gates=gates))
    return wanted.state[kinds.LINK].values(), wanted.notes


def test_a_bridge_whose_ports_are_policed_is_gated_and_our_own_port_of_it_is_open():
    links, notes = runner_with(PORTS, gates=True)
    assert {link.kind: link.gated for link in links} == {BRIDGE: True, VXLAN: True}
    assert notes == ()


def test_a_bridge_whose_ports_are_not_policed_has_no_gate():
    links, _notes = runner_with(0, gates=True)
    assert not any(link.gated for link in links)


@pytest.mark.parametrize("gates", [True, False])
def test_a_tunnel_is_kept_to_the_hub_where_ports_are_policed(gates):
    hub = next(link.mac for link in HUB.links if link.kind == VXLAN)
    assert {link.kind: link.far for link in runner_with(PORTS, gates)[0]} == {BRIDGE: None, VXLAN: hub}
    assert {link.far for link in runner_with(0, gates)[0]} == {None}


def test_a_kernel_without_gates_is_told_of_where_one_is_missed():
    links, notes = runner_with(PORTS, gates=False)
    assert not any(link.gated for link in links)
    assert len(notes) == 1
    assert "weft-guard" in notes[0]
    assert runner_with(0, gates=False)[1] == ()


def test_the_stored_plan_is_last_for_its_owner_only_and_can_be_read_back():
    plan = files_of(HUB)[-1]
    assert (plan.path, plan.mode) == (PLAN_PATH, 0o600)
    assert from_json(plan.text) == HUB


@pytest.mark.fault("F14")
def test_the_unit_runs_before_docker_and_after_what_flushes():
    (unit,) = [file.text.splitlines() for file in files_of(HUB) if file.path.endswith("/system/weft-overlay.service")]
    assert "Before=docker.service" in unit
    after = " ".join(line for line in unit if line.startswith("After="))
    assert all(name in after for name in ("firewalld.service", "nftables.service", "netfilter-persistent.service"))
    assert "Type=oneshot" in unit
