# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""WireGuard of the kernel and wireguard-go under systemd, side by side on one router, talking to the kernel's own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.marks import WIREGUARD_GROUP
from tests.kernel.conftest import Machine
from tests.kernel.tunnels import NEW

Boots = tuple[Machine, Machine]
SETTLED = ("booted", "killed", "udev rules replayed", "filled")


def at(boots: Boots, moment: str) -> Machine:
    return boots[moment == "rebooted"]


def links(machine: Machine, moment: str) -> dict[str, dict[str, Any]]:
    shown = machine.said[f"{moment}: look"].json()["links"]
    return {link["ifname"]: link for link in shown if link.get("group") == str(WIREGUARD_GROUP)}


def handshakes(text: str) -> dict[str, int]:
    """By link and peer, of `wg show all latest-handshakes`."""
    return {f"{link} {peer}": int(when) for link, peer, when in (line.split("\t") for line in text.splitlines())}


def test_this_kernel_has_wireguard_and_asking_makes_no_link(boots: Boots) -> None:
    first, _second = boots
    assert first.said["versions"].json()["wireguard"] is True
    seen = first.said["booted: seen"].json()
    assert seen["wireguard"] is True
    assert {"wg", "wireguard-go"} <= set(seen["tools"])
    names = {link["ifname"] for link in first.said["booted: look"].json()["links"]}
    assert {name for name in names if not name.startswith("en")} == {"lo", "wg0", "wg1"}


@pytest.mark.parametrize("moment", [*SETTLED, "rebooted"])
def test_links_and_addresses_are_those_of_the_plan(boots: Boots, moment: str) -> None:
    machine = at(boots, moment)
    shown = links(machine, moment)
    kinds = {
        name: (link["linkinfo"]["info_kind"], link["mtu"], link["txqlen"], link["ifalias"])
        for name, link in shown.items()
    }
    assert kinds == {"wg0": ("wireguard", 1380, 700, "weft:router"), "wg1": ("tun", 1400, 600, "weft:router")}
    found = {
        (link["ifname"], f"{address['local']}/{address['prefixlen']}")
        for link in machine.said[f"{moment}: look"].json()["addresses"]
        for address in link.get("addr_info", [])
        if link["ifname"] in shown and address["scope"] == "global"
    }
    assert found == {(link, address.replace(":0::", "::")) for link, address, _prefix_route in machine.plan.addresses}


@pytest.mark.parametrize("moment", [*SETTLED, "rebooted"])
def test_nothing_is_left_to_do(boots: Boots, moment: str) -> None:
    assert at(boots, moment).said[f"{moment}: apply"].out == ""


@pytest.mark.parametrize("moment", [*SETTLED, "rebooted"])
def test_what_is_seen_is_what_was_planned(boots: Boots, moment: str) -> None:
    machine = at(boots, moment)
    seen = machine.said[f"{moment}: seen"].json()
    assert seen["links"] == {link.name: link._asdict() for link in machine.plan.links}
    # Sockets of the kernel are in /proc/net/udp like those of a process.
    assert seen["ports"] == [51820, 51821]
    assert seen["foreign"] == []
    assert seen["preshared"] == {"wg0": True, "wg1": False}


@pytest.mark.parametrize("moment", [*SETTLED, "rebooted"])
def test_one_service_runs_for_the_link_of_wireguard_go(boots: Boots, moment: str) -> None:
    (line,) = at(boots, moment).said[f"{moment}: units"].out.splitlines()
    assert line.split()[:4] == ["weft-wireguard-wg1.service", "loaded", "active", "running"]


@pytest.mark.parametrize("place", ["10.8.0.1", "fd00:800::1", "10.8.1.1", "fd00:801::1"])
@pytest.mark.parametrize("moment", ["booted", "killed", "swapped", "filled", "rebooted"])
def test_both_ends_talk(boots: Boots, moment: str, place: str) -> None:
    assert " 0% packet loss" in at(boots, moment).said[f"{moment}: {place} answers"].out


def test_keys_lie_where_only_root_can_read_them(boots: Boots) -> None:
    found = [line.split(" ") for line in boots[0].said["modes"].out.splitlines()]
    files = {path: mode for mode, kind, path in found if kind == "f"}
    assert {path for path in files if not path.endswith(".psk")} == {
        f"wg{number}/private{end}" for number in (0, 1) for end in ("", ".pub")
    }
    assert [path.split("/")[0] for path in files if path.endswith(".psk")] == ["wg0"]
    assert set(files.values()) == {"600"}


def test_a_new_peer_costs_the_others_no_packet_and_no_handshake(boots: Boots) -> None:
    said = boots[0].said
    lines = {line.split(" (")[0] for line in said["more"].out.splitlines()}
    assert lines == {f"+ wireguard peer {link} {NEW}" for link in ("wg0", "wg1")}
    before, after = handshakes(said["pings"].out), handshakes(said["more: peers"].out)
    assert 0 not in before.values()
    assert {peer: when for peer, when in after.items() if NEW not in peer} == before
    assert re.findall(r"(\d+) packets transmitted, (\d+) received", said["pinged"].out) == [("100", "100")] * 2
    assert said["more: apply"].out == ""


def test_the_watch_builds_up_again_what_died(boots: Boots) -> None:
    assert boots[0].said["killed"].code == 0
    assert "+ wireguard peer wg1" in boots[0].said["watch said"].out


def test_kernel_and_wireguard_go_change_places(boots: Boots) -> None:
    said = boots[0].said
    assert "- link wg0 (made anew: userspace, threads cannot change in place)" in said["swapped"].out.splitlines()
    assert said["swapped: again"].out == ""
    seen = said["swapped: seen"].json()["links"]
    assert {name: (link["userspace"], link["threads"]) for name, link in seen.items()} == {
        "wg0": (True, 2),
        "wg1": (False, 0),
    }


def test_a_plan_of_nothing_stops_the_services_too(boots: Boots) -> None:
    said = boots[0].said
    assert links(boots[0], "emptied") == {}
    assert "weft-wireguard" not in said["emptied: units"].out
    assert "wireguard" not in said["emptied: units"].out.split()
