# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the host refuses is said with the object's name and the kernel's words."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route


def test_a_vni_that_a_foreign_link_holds(host: Any, hub_link: Link) -> None:
    host.ip("link add other0 type vxlan id 101 dstport 4789 remote 198.18.0.19")
    with pytest.raises(KernelError) as caught:
        host.add("link", hub_link)
    assert caught.value.subject == "link vxkr1"
    assert caught.value.reason == "File exists (A VXLAN device with the specified VNI already exists)"
    assert host.names() == {"lo", "other0"}


def test_the_first_of_many_is_named_and_later_steps_do_not_begin(host: Any, hub_link: Link) -> None:
    links = [hub_link._replace(name=f"vxkr{n}", vni=100 + n) for n in range(1, 201)]
    host.ip("link add vxkr150 type bridge")
    address = Address("vxkr1", "10.1.0.254/16")
    with pytest.raises(KernelError, match=r"^link vxkr150: File exists"):
        host.apply(
            *[Change(ADD, "link", link.name, None, link) for link in links],
            Change(ADD, "address", address.key(), None, address),
        )
    assert host.observe().addresses == ()
    with Netlink() as netlink:
        assert netlink.observe().links != ()


def test_the_channel_is_of_use_after_an_error(host: Any, hub_link: Link) -> None:
    host.ip("link add vxkr1 type bridge")
    with Netlink() as netlink:
        for _ in range(3):
            with pytest.raises(KernelError, match="vxkr1"):
                netlink.apply([Change(ADD, "link", "vxkr1", None, hub_link)])
            assert [link.name for link in netlink.observe().foreign_links] == ["lo", "vxkr1"]


def test_addresses_and_routes_on_a_missing_link(host: Any) -> None:
    with pytest.raises(KernelError, match=r"^address nolink0 10\.1\.0\.1/16: there is no link nolink0$"):
        host.add("address", Address("nolink0", "10.1.0.1/16"))
    with pytest.raises(KernelError, match=r"^route 10\.1\.0\.0/16: there is no link nolink0$"):
        host.add("route", Route("10.1.0.0/16", "10.1.0.1", "nolink0", "10.1.0.1"))


def test_a_foreign_route_to_the_same_destination(host: Any, hub_link: Link) -> None:
    host.add("link", hub_link)
    host.add("address", Address("vxkr1", "10.1.0.254/16", prefix_route=False))
    host.ip("route add 10.1.0.0/16 dev vxkr1")
    with pytest.raises(KernelError, match=r"^route 10\.1\.0\.0/16: File exists"):
        host.add("route", Route("10.1.0.0/16", "10.1.0.1", "vxkr1", "10.1.0.254"))


def test_a_mac_that_cannot_be(host: Any, hub_link: Link) -> None:
    with pytest.raises(KernelError, match=r"^link vxkr1: Cannot assign requested address"):
        host.add("link", hub_link._replace(mac="01:00:00:00:00:00"))


def test_asking_for_a_kind_makes_nothing(host: Any) -> None:
    before = host.names()
    with Netlink() as netlink:
        assert netlink.supports_dummy() in (True, False)
        assert netlink.supports_wireguard() in (True, False)
        assert netlink._knows("bridge") is True
        assert netlink._knows("vxlan") is True
        assert netlink._knows("nosuchkind") is False
    assert host.names() - {"dummy0"} == before
