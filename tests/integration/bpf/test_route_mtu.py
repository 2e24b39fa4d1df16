# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A network whose routes have an MTU, on a host that judges: what the host says of larger packets, and the fragments
that it makes of them, pass its own programs."""

from __future__ import annotations

import select
import socket
import struct

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.marks import FIRST_TABLE
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, ANY_PROTOCOL, Verdict
from tests.integration.bpf.hosts import PATIENCE
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import LAN, WEB, maps
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import ip

both = pytest.mark.parametrize("family", FAMILIES)

MTU = 1300
HEADERS = {"ipv4": 28, "ipv6": 48}
# For sockets, by family: the level, and its IP_RECVERR and IP_MTU_DISCOVER.
_NAMES = {"ipv4": (socket.IPPROTO_IP, 11, 10), "ipv6": (socket.IPPROTO_IPV6, 25, 23)}
_DONT, _PROBE = 0, 3


@pytest.fixture
def narrow(site: Site) -> Site:
    """web may speak to lan, and network 1 has a table with an MTU."""
    site.police()
    asks = Verdict(WEB, LAN, ANY_PROTOCOL, 0, ALLOW, 0, 1)
    site.stage.enforce(maps()._replace(attachments=(), verdicts=(*maps().verdicts, asks)))
    for number, subnet in ((4, "10.20.8.0/24"), (6, "fd00:20:8::/64")):
        ip(f"-{number} rule add priority 73 fwmark 0x01000000/0xff000000 lookup {FIRST_TABLE}")
        ip(f"-{number} route add {subnet} dev tun table {FIRST_TABLE} mtu lock {MTU}")
    return site


def send(site: Site, family: str, length: int, discover: int) -> socket.socket:
    """From web to lan, one packet of that length."""
    level, errors, mode = _NAMES[family]
    end = site.web.socket(socket.AF_INET6 if family == "ipv6" else socket.AF_INET, socket.SOCK_DGRAM)
    end.setsockopt(level, mode, discover)
    end.setsockopt(level, errors, 1)
    end.connect((ADDRESSES["lan"][family == "ipv6"], 7000))
    end.send(bytes(length - HEADERS[family]))
    return end


def told(end: socket.socket, family: str) -> int:
    """The MTU that a sender was told of."""
    poll = select.poll()
    poll.register(end, select.POLLERR)
    assert poll.poll(PATIENCE * 1000), "nobody said anything"
    _data, ancillary, _flags, _from = end.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    (found,) = [data for level, kind, data in ancillary if (level, kind) == _NAMES[family][:2]]
    mtu: int = struct.unpack_from("=IBBBBI", found)[5]
    return mtu


def is_data(raw: bytes) -> bool:
    """Not what the kernel says by itself on a new link."""
    return raw[0] >> 4 == 4 or raw[6] in (17, 44)


@both
def test_a_sender_is_told_the_mtu_by_the_host_and_what_fits_passes(narrow: Site, family: str) -> None:
    with send(narrow, family, 1400, _PROBE) as end:
        assert told(end, family) == MTU
    with send(narrow, family, MTU, _PROBE):
        assert len(narrow.tunnel.receive(is_data)) == MTU


def test_fragments_that_the_host_makes_pass(narrow: Site) -> None:
    with send(narrow, "ipv4", 1400, _DONT):
        lengths = [len(narrow.tunnel.receive(is_data)) for _ in range(2)]
    assert lengths == [20 + 1280, 20 + 1400 - 20 - 1280]
