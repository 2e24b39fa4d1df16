# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links that wireguard-go runs. Here it is started by hand: what systemd does with it is seen where systemd is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, ForeignLink, Link

LINK = Link("wga", WIREGUARD, "weft:router", "", mtu=1420, ipv6=True, userspace=True, queue=700)


@pytest.fixture
def wga(wireguard: Any) -> Any:
    """A link as wireguard-go makes it, with one mark of ours."""
    wireguard.start("wga")
    wireguard.ip("link set wga group 30566")
    return wireguard


def test_a_link_of_wireguard_go_is_a_wireguard_link(wga: Any) -> None:
    seen = wga.seen("wga")
    assert seen == LINK._replace(alias="", queue=500, up=False)


def test_a_link_that_has_lost_all_but_one_mark_gets_everything_back(wga: Any) -> None:
    wanted = LINK._replace(mtu=1380)
    wga.change("link", wga.seen("wga"), wanted)
    assert wga.seen("wga") == wanted
    shown = wga.link("wga")
    assert (shown["ifalias"], shown["group"], shown["mtu"], shown["txqlen"]) == ("weft:router", "30566", 1380, 700)
    wga.ip("link set wga group 0")
    assert wga.seen("wga") == wanted._replace(grouped=False)
    wga.change("link", wga.seen("wga"), wanted)
    assert wga.seen("wga") == wanted


def test_0_leaves_queue_and_mtu_as_they_come(wga: Any) -> None:
    wga.change("link", wga.seen("wga"), LINK._replace(queue=0, mtu=0))
    assert wga.seen("wga") == LINK._replace(queue=500)


@pytest.mark.parametrize("mtu", [1280, 1420, 9000])
def test_ipv6_follows_the_plan(wga: Any, mtu: int) -> None:
    for six in (False, True, False):
        wanted = LINK._replace(ipv6=six, mtu=mtu)
        wga.change("link", wga.seen("wga"), wanted)
        assert wga.seen("wga") == wanted


def test_a_removed_link_takes_its_wireguard_go_with_it(wga: Any) -> None:
    process = wga.start("wgx")
    wga.ip("link set wgx group 30566")
    wga.remove("link", wga.seen("wga"), wga.seen("wgx"))
    assert wga.names() == {"lo", "near"}
    assert process.wait(5) is not None
    wga.remove("link", LINK)


def test_a_tun_device_of_somebody_else_is_foreign(wireguard: Any) -> None:
    wireguard.start("wga")
    wireguard.ip("tuntap add vpn0 mode tap")
    assert set(wireguard.observe().foreign_links) == {
        ForeignLink("lo", "", mtu=65536),
        ForeignLink("near", "veth", mtu=1500),
        ForeignLink("wga", "tun", mtu=1420),
        ForeignLink("vpn0", "tun", mtu=1500),
    }


@pytest.mark.usefixtures("disk")
def test_without_systemd_wireguard_go_is_not_started(host: Any) -> None:
    with pytest.raises(KernelError, match=r"^link wga: wireguard-go runs as a service, and this host was not booted"):
        host.add("link", LINK)
    assert host.names() == {"lo"}
