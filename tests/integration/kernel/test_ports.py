# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""UDP ports that others have."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.kernel import ports


def test_ports_of_both_families_are_seen_and_tcp_is_not(host: Any) -> None:  # noqa: ARG001  # where they are bound
    assert ports.observe() == ()
    with socket(AF_INET, SOCK_DGRAM) as four, socket(AF_INET6, SOCK_DGRAM) as six, socket(AF_INET, SOCK_STREAM) as tcp:
        four.bind(("127.0.0.1", 53))
        six.bind(("::1", 51820))
        tcp.bind(("127.0.0.1", 51821))
        tcp.listen()
        assert ports.observe() == (53, 51820)
        assert ports.observe([53]) == (51820,)
    assert ports.observe() == ()


def test_the_ports_of_our_devices_are_ours(wireguard: Any) -> None:
    wireguard.start("wga")
    wireguard.ip("link set wga up")
    wireguard.wg("set", "wga", "listen-port", "51820")
    assert ports.observe() == (51820,)
    assert ports.observe([51820]) == ()
