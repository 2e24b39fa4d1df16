# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a stock kernel, systemd and udev make of a host that boots with a stored plan."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import Machine
from tests.kernel.look import planned

CHOSEN = 3  # NET_ADDR_SET of linux/netdevice.h: somebody chose this MAC, so udev's MACAddressPolicy leaves it alone


def uplink(machine: Machine) -> str:
    return next(name for name in machine.look("booted").names if name.startswith("en"))


def test_this_kernel_has_what_the_fast_lane_lacks(machine: Machine) -> None:
    assert machine.said["versions"].json()["dummy"] is True


@pytest.mark.parametrize(("name", "backend"), [("hub", "firewalld"), ("runner", "iptables-nft")])
def test_the_firewall_is_found(request: pytest.FixtureRequest, name: str, backend: str) -> None:
    machine: Machine = request.getfixturevalue(name)
    assert machine.said["versions"].json()["firewall"] == backend


def test_the_unit_has_done_its_work(machine: Machine) -> None:
    unit = dict(line.split("=", 1) for line in machine.said["unit"].out.splitlines())
    assert (unit["ActiveState"], unit["SubState"], unit["Result"]) == ("active", "exited", "success")
    assert "docker.service" in unit["Before"].split()
    assert {"firewalld.service", "nftables.service", "network-pre.target"} <= set(unit["After"].split())


def test_the_unit_file_is_beyond_reproach(machine: Machine) -> None:
    assert "weft" not in machine.said["unit verified"].err


def test_no_unit_failed(machine: Machine) -> None:
    assert machine.said["failed units"].out == ""


def test_links_addresses_and_routes_are_those_of_the_plan(machine: Machine) -> None:
    seen = machine.look("booted")
    wanted = planned(machine.plan, uplink(machine))
    # Only now, with udev settled: its rules rewrite MACs, rename links and set switches.
    assert seen.links == wanted.links
    assert seen.addresses == wanted.addresses
    assert seen.routes == wanted.routes


def test_asking_for_dummy_devices_makes_none(machine: Machine) -> None:
    """The module of that name brings dummy0 with it where systemd does not tell it not to."""
    assert machine.look("booted").names == planned(machine.plan, uplink(machine)).names


def test_the_address_of_the_hub_is_on_a_dummy(hub: Machine) -> None:
    seen = hub.look("booted")
    assert seen.links["kohaku-host"][0] == "dummy"
    assert ("kohaku-host", "10.0.0.1/8") in seen.addresses
    assert "+ link kohaku-host" in hub.said["boot said"].out
    assert "bridge" not in hub.said["boot said"].out


def test_docker_would_find_all_of_it_when_it_starts(machine: Machine) -> None:
    found = {
        (link["ifname"], f"{address['local']}/{address['prefixlen']}")
        for link in machine.said["docker found"].json()
        for address in link.get("addr_info", [])
    }
    assert planned(machine.plan, "").addresses <= found


def test_macs_are_marked_as_chosen(machine: Machine) -> None:
    lines = machine.said["assigned"].out.splitlines()
    found = {line.split("/")[4]: int(line.rpartition(":")[2]) for line in lines}
    assert {name: found[name] for name in planned(machine.plan, "").links} == {
        link.name: CHOSEN for link in machine.plan.links
    }


@pytest.mark.fault("F24")
def test_networkd_does_not_manage_our_links(machine: Machine) -> None:
    state = {link["Name"]: link["AdministrativeState"] for link in machine.said["networkd"].json()["Interfaces"]}
    assert state[uplink(machine)] == "configured"
    assert {name: state[name] for name in planned(machine.plan, "").links} == {
        link.name: "unmanaged" for link in machine.plan.links
    }
