# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab host is: names, addresses, firewall flavours, and the inventory made from them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
import yaml

from lab import disk, host, inventory
from lab.shell import LabError


def test_committed_inventory_is_the_one_written_for_two_runners():
    committed = Path(inventory.COMMITTED, "hosts.yml").read_text(encoding="utf-8")
    assert committed == inventory.render(inventory.default_hosts())


def test_inventory_has_every_group_even_without_runners():
    groups = yaml.safe_load(inventory.render(list(host.FIXED)))
    assert groups["runners"]["hosts"] == {}
    assert set(groups) == {"hubs", "runners", "routers", "nas", "peers", "outside"}


def test_no_host_is_named_like_a_group():
    groups = yaml.safe_load(inventory.render(inventory.default_hosts()))
    assert not groups.keys() & {name for group in groups.values() for name in group["hosts"]}


def test_no_two_hosts_share_an_address():
    hosts = [*host.FIXED, *(host.runner(number) for number in range(1, 201))]
    assert len({one.address for one in hosts}) == len(hosts)


def test_ipv6_address_ends_with_the_same_digits():
    assert host.by_name("runner7").address == "198.18.0.17"
    assert host.by_name("runner7").address6 == "fd00:18::17"
    assert host.by_name("internet").address6 == "2001:2:0:19::200"


def test_the_wan_is_not_private():
    """A client may reach the internet and not what is private: the lab's internet must be the former."""
    for one in (one for one in host.FIXED if one.on_wan):
        for address in map(ipaddress.ip_address, (one.address, one.address6)):
            assert any(address in ipaddress.ip_network(net) for net in ("198.18.0.0/15", "2001:2::/48")), one


@pytest.mark.parametrize("name", ["runner0", "runner01", "runner201", "hub2", "", "runner1/../x"])
def test_unknown_names_are_refused(name):
    with pytest.raises(LabError, match=r"room for|not a lab host"):
        host.by_name(name)


@pytest.mark.parametrize("address", ["198.18.0.0", "198.18.0.254", "198.19.0.5", "runner2", "fd00:18::5"])
def test_an_address_outside_the_underlay_is_refused(address):
    with pytest.raises(LabError, match="is not a free address"):
        host.with_address(host.runner(1), address)


def test_a_runner_cannot_be_without_iptables():
    with pytest.raises(LabError, match="Docker needs iptables"):
        host.with_firewall(host.runner(1), "none")


def test_everybody_has_a_default_route_and_only_the_provider_knows_no_further():
    batches = {one.name: disk.network_batch(one) for one in inventory.default_hosts()}
    assert [name for name, batch in batches.items() if "route replace default" not in batch] == ["road"]
    assert "route replace default via 198.19.0.100\n" in batches["router"]
    assert "route replace default via 198.18.0.1\n" in batches["nas1"]
    assert "route replace default via 198.19.0.1\n" in batches["peer1"]
