# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lab host is: names, addresses, firewall flavours, and the inventory made from them."""

from __future__ import annotations

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
    assert set(groups) == {"hubs", "runners", "routers", "nas", "outside"}


def test_no_host_is_named_like_a_group():
    groups = yaml.safe_load(inventory.render(inventory.default_hosts()))
    assert not groups.keys() & {name for group in groups.values() for name in group["hosts"]}


def test_no_two_hosts_share_an_address():
    hosts = [*host.FIXED, *(host.runner(number) for number in range(1, 201))]
    assert len({one.address for one in hosts}) == len(hosts)


def test_ipv6_address_ends_with_the_same_digits():
    assert host.by_name("runner7").address == "198.18.0.17"
    assert host.by_name("runner7").address6 == "fd00:18::17"
    assert host.by_name("internet").address6 == "fd00:19::200"


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


def test_only_the_router_has_no_default_route():
    routed = [one.name for one in inventory.default_hosts() if "route replace default" in disk.network_batch(one)]
    assert routed == ["hub", "nas1", "internet", "runner1", "runner2"]
