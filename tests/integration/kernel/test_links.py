# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links: each attribute as iproute2 sees it, changes in place, drift, and removal of many."""

from __future__ import annotations

import subprocess
import time
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link

ZERO = "00:00:00:00:00:00"


def test_a_vxlan_is_made_with_all_its_attributes(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link)
    link = host.link("vxkr1")
    assert link["group"] == "30565"
    assert link["ifalias"] == "weft:runner1"
    assert link["address"] == "02:77:00:00:00:01"
    assert link["mtu"] == 1450
    assert "UP" in link["flags"]
    data = link["linkinfo"]["info_data"]
    assert link["linkinfo"]["info_kind"] == "vxlan"
    assert (data["id"], data["port"], data["local"], data["remote"]) == (101, 4789, "198.18.0.10", "198.18.0.11")
    assert data["learning"] is False
    assert host.entries("vxkr1") == [(ZERO, "198.18.0.11")]
    assert host.switch("ipv6/conf/vxkr1/disable_ipv6") == "1"
    assert host.seen("vxkr1") == hub_link


@pytest.mark.parametrize("port", [4789, 65534])
def test_a_vxlan_sends_from_the_port_to_which_it_sends(host: Any, hub_link: Link, port: int) -> None:
    host.add("link", hub_link._replace(port=port))
    data = host.link("vxkr1")["linkinfo"]["info_data"]
    assert (data["port"], data["port_range"]) == (port, {"low": port, "high": port + 1})


def test_the_last_port_has_no_range_that_ends_after_it(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link._replace(port=65535))
    assert host.link("vxkr1")["linkinfo"]["info_data"]["port"] == 65535


def test_a_vxlan_that_sends_from_other_ports_is_no_drift(host: Any, hub_link: Link) -> None:
    """As releases before made them; the kernel cannot change that, and a tunnel is not taken down for it."""
    host.add("link", hub_link)
    host.ip("link delete vxkr1")
    host.ip(
        "link add vxkr1 address 02:77:00:00:00:01 mtu 1450 group 30565 up type vxlan id 101 dstport 4789 nolearning "
        "remote 198.18.0.11 local 198.18.0.10"
    )
    host.ip("link set vxkr1 alias weft:runner1 addrgenmode none")
    assert host.seen("vxkr1")._replace(ipv6=False) == hub_link


def test_no_ipv6_address_ever_appears_on_a_new_link(host: Any, hub_link: Link, bridge: Link) -> None:
    host.add("link", bridge, hub_link._replace(master=bridge.name))
    time.sleep(0.1)
    assert [a for link in host.json("-6 addr") if link["ifname"] != "lo" for a in link["addr_info"]] == []


def test_a_bridge_keeps_its_mtu_when_a_smaller_port_comes(host: Any, bridge: Link) -> None:
    host.add("link", bridge)
    host.ip("link add veth0 mtu 1300 type veth peer name veth1")
    host.ip("link set veth0 master kohaku-overlay")
    link = host.link("kohaku-overlay")
    assert link["mtu"] == 1450
    assert link["linkinfo"]["info_data"]["stp_state"] == 0
    assert host.seen("kohaku-overlay") == bridge


def test_a_port_is_made_in_one_go_with_its_bridge(host: Any, hub_link: Link, bridge: Link) -> None:
    port = hub_link._replace(name="vxlan0", master=bridge.name)
    host.add("link", bridge, port)
    assert host.link("vxlan0")["master"] == "kohaku-overlay"
    assert set(host.observe().links) == {bridge, port}


def test_an_underlay_of_ipv6_works(host: Any, hub_link: Link) -> None:
    link = hub_link._replace(local="2001:db8::10", remote="2001:db8::11", mtu=1430)
    host.add("link", link)
    data = host.link("vxkr1")["linkinfo"]["info_data"]
    assert (data["local6"], data["remote6"]) == ("2001:db8::10", "2001:db8::11")
    assert host.seen("vxkr1") == link
    moved = link._replace(remote="2001:db8::12", local="2001:db8::13")
    host.change("link", link, moved)
    assert host.entries("vxkr1") == [(ZERO, "2001:db8::12")]
    assert host.seen("vxkr1") == moved


def test_without_a_wished_mtu_the_kernel_chooses(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link._replace(mtu=0))
    assert host.seen("vxkr1").mtu == host.link("vxkr1")["mtu"]


def test_a_small_mtu_has_no_ipv6_and_growing_does_not_bring_it_back(host: Any, hub_link: Link) -> None:
    small = hub_link._replace(mtu=1200)
    host.add("link", small)
    assert host.seen("vxkr1") == small
    host.change("link", small, hub_link)
    assert host.switch("ipv6/conf/vxkr1/disable_ipv6") == "1"
    assert host.seen("vxkr1") == hub_link


def test_a_new_remote_leaves_nothing_of_the_old_one(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link)
    index = host.link("vxkr1")["ifindex"]
    moved = hub_link._replace(remote="198.18.0.99", local="198.18.0.98")
    host.change("link", hub_link, moved)
    assert host.entries("vxkr1") == [(ZERO, "198.18.0.99")]
    assert host.link("vxkr1")["linkinfo"]["info_data"]["local"] == "198.18.0.98"
    assert host.link("vxkr1")["ifindex"] == index
    assert host.seen("vxkr1") == moved


def test_every_attribute_that_may_change_does_in_place(host: Any, hub_link: Link, bridge: Link) -> None:
    host.add("link", bridge, hub_link)
    index = host.link("vxkr1")["ifindex"]
    after = hub_link._replace(
        mac="02:77:00:00:00:99", mtu=1400, alias="weft:runner9", master=bridge.name, remote="198.18.0.20"
    )
    host.change("link", hub_link, after)
    assert host.seen("vxkr1") == after
    host.change("link", after, hub_link)
    assert host.seen("vxkr1") == hub_link
    assert host.link("vxkr1")["ifindex"] == index


DRIFT = [
    ("link set vxkr1 down", {"up": False}),
    ("link set vxkr1 group 0", {"grouped": False}),
    ("link set vxkr1 alias other", {"alias": ""}),
    ("link set vxkr1 mtu 1300", {"mtu": 1300}),
    ("link set vxkr1 address 02:00:00:00:00:01", {"mac": "02:00:00:00:00:01"}),
    ("link set vxkr1 type vxlan remote 198.18.0.77", {"remote": "198.18.0.77"}),
    ("link set vxkr1 master kohaku-overlay", {"master": "kohaku-overlay"}),
]


@pytest.mark.parametrize(("command", "fields"), DRIFT, ids=[command for command, _ in DRIFT])
def test_drift_is_seen_and_mended(
    host: Any, hub_link: Link, bridge: Link, command: str, fields: dict[str, Any]
) -> None:
    host.add("link", bridge, hub_link)
    host.ip(command)
    drifted = host.seen("vxkr1")
    assert drifted == hub_link._replace(**fields)
    host.change("link", drifted, hub_link)
    assert host.seen("vxkr1") == hub_link
    assert host.entries("vxkr1") == [(ZERO, "198.18.0.11")]
    # and back again, as an undo would
    host.change("link", hub_link, drifted)
    assert host.seen("vxkr1") == drifted


@pytest.mark.parametrize(
    ("switch", "value", "fields"),
    [
        ("ipv6/conf/vxkr1/disable_ipv6", "0", {"ipv6": True}),
    ],
)
def test_a_changed_switch_is_seen_and_mended(
    host: Any, hub_link: Link, switch: str, value: str, fields: dict[str, Any]
) -> None:
    host.add("link", hub_link)
    host.set_switch(switch, value)
    drifted = host.seen("vxkr1")
    assert drifted == hub_link._replace(**fields)
    host.change("link", drifted, hub_link)
    assert host.switch(switch) == "1"
    assert host.seen("vxkr1") == hub_link


def test_a_learning_vxlan_of_ours_is_seen(host: Any) -> None:
    host.ip("link add vxkr1 group 30565 type vxlan id 101 dstport 4789 remote 198.18.0.11 local 198.18.0.10")
    assert host.seen("vxkr1").learning is True


@pytest.mark.parametrize(
    "commands",
    [
        ["del 00:00:00:00:00:00 dev vxkr1 dst 198.18.0.11"],
        ["append 00:00:00:00:00:00 dev vxkr1 dst 198.18.0.66"],
        ["append 00:00:00:00:00:00 dev vxkr1 dst 198.18.0.66", "del 00:00:00:00:00:00 dev vxkr1 dst 198.18.0.11"],
        ["add 02:00:00:00:00:42 dev vxkr1 dst 198.18.0.66"],
        ["append 00:00:00:00:00:00 dev vxkr1 dst 198.18.0.66 port 9999 vni 7"],
    ],
    ids=["default deleted", "second default", "default replaced", "one MAC diverted", "other port and VNI"],
)
def test_forwarding_entries_that_were_tampered_with_are_mended(host: Any, hub_link: Link, commands: list[str]) -> None:
    host.add("link", hub_link)
    for command in commands:
        subprocess.run(["bridge", "fdb", *command.split()], check=True)
    drifted = host.seen("vxkr1")
    assert drifted.remote != hub_link.remote
    host.change("link", drifted, hub_link)
    assert host.entries("vxkr1") == [(ZERO, "198.18.0.11")]
    assert host.seen("vxkr1") == hub_link


def test_255_links_go_at_once(host: Any, hub_link: Link) -> None:
    links = [
        hub_link._replace(name=f"vxkr{n}", vni=100 + n, remote=f"198.18.1.{n}", mac=f"02:77:00:00:00:{n:02x}")
        for n in range(1, 256)
    ]
    host.ip("link add vxkr9999 type vxlan id 9999 dstport 4789 remote 198.18.3.1")
    host.add("link", *links)
    assert host.observe().links == tuple(links)
    host.remove("link", *links)
    assert host.names() == {"lo", "vxkr9999"}


def test_removal_leaves_a_group_alone_that_somebody_uses(host: Any, hub_link: Link) -> None:
    host.ip(f"link add foreign0 group {0x7765 << 8} type bridge")
    other = hub_link._replace(name="vxkr2", vni=102)
    host.add("link", hub_link, other)
    host.remove("link", hub_link, other)
    assert host.names() == {"lo", "foreign0"}


def test_a_link_that_is_gone_already_counts_as_removed(host: Any, hub_link: Link) -> None:
    other = hub_link._replace(name="vxkr2", vni=102)
    host.add("link", hub_link)
    host.remove("link", hub_link, other)
    host.remove("link", hub_link)
    assert host.names() == {"lo"}


def test_a_foreign_port_of_our_bridge_stays_a_port(host: Any, bridge: Link) -> None:
    host.add("link", bridge)
    host.ip("link add veth0 type veth peer name veth1")
    host.ip("link set veth0 master kohaku-overlay up")
    drifted = bridge._replace(mtu=1400)
    host.change("link", bridge, drifted)
    assert host.link("veth0")["master"] == "kohaku-overlay"
    assert [link.name for link in host.observe().links] == ["kohaku-overlay"]
