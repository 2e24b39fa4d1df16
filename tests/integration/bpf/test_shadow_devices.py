# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Real packets between two networks with the same addresses, on one host: by the kernel's own TCP and UDP, which throw
away what does not add up, with checksums that a device is left to complete and without."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.stage import Stage, ip
from tests.integration.bpf.twin_site import TwinSite
from tests.integration.bpf.twins import own, seen

both = pytest.mark.parametrize("family", FAMILIES)

BRIEFLY = 0.5
_SO_NO_CHECK = 11
_MTU_DISCOVER = {"ipv4": (socket.IPPROTO_IP, 10), "ipv6": (socket.IPPROTO_IPV6, 23)}
_MTU = {"ipv4": (socket.IPPROTO_IP, 14), "ipv6": (socket.IPPROTO_IPV6, 24)}
_DO = 2
_MEGABYTES = os.urandom(3 << 20)


@pytest.fixture
def twin_site(empty: Stage) -> Iterator[TwinSite]:
    found = TwinSite(empty)
    found.police()
    try:
        yield found
    finally:
        found.close()


def _family(family: str) -> int:
    return socket.AF_INET6 if family == "ipv6" else socket.AF_INET


def offload(link: str, state: str) -> None:
    """Whether checksums of TCP and UDP, and segments, are left to the device."""
    subprocess.run(["ethtool", "-K", link, "tx", state, "tso", state, "gso", state], check=True, capture_output=True)


def _listening(site: TwinSite, family: str) -> socket.socket:
    door = site.ends["bob"].socket(_family(family), socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((own("bob", family), 5432))
    door.listen()
    return door


def _received(end: socket.socket, length: int) -> bytes:
    parts = []
    while length:
        part = end.recv(min(length, 1 << 16))
        assert part, "it ended early"
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _exchange(site: TwinSite, family: str, content: bytes) -> None:
    """ann sends something to bob, who sends it back."""
    near = site.ends["ann"].socket(_family(family), socket.SOCK_STREAM)
    with _listening(site, family) as door, near:
        near.connect((seen("bob", family), 5432))
        far, who = door.accept()
        far.settimeout(10)
        with far:
            assert who[0] == seen("ann", family)
            assert near.getpeername()[0] == seen("bob", family)
            sender = threading.Thread(target=near.sendall, args=(content,))
            sender.start()
            came = _received(far, len(content))
            sender.join()
            assert came == content
            sender = threading.Thread(target=far.sendall, args=(came,))
            sender.start()
            assert _received(near, len(content)) == content
            sender.join()


@both
@pytest.mark.parametrize("left", ["on", "off"])
@pytest.mark.parametrize("right", ["on", "off"])
def test_a_connection_carries_all_that_is_sent(twin_site: TwinSite, family: str, left: str, right: str) -> None:
    """left: whether ann and bob leave checksums to their devices. right: whether the host's devices take them: if they
    do not, the kernel completes them behind the programs, and the receiver checks them."""
    for end in twin_site.ends.values():
        end.run("ethtool", "-K", "port", "tx", left, "tso", left, "gso", left)
    for link in ("web", "far"):
        offload(link, right)
    _exchange(twin_site, family, _MEGABYTES)
    assert twin_site.reasons() == set()


def _datagrams(site: TwinSite, family: str) -> tuple[socket.socket, socket.socket]:
    near, far = (site.ends[who].socket(_family(family), socket.SOCK_DGRAM) for who in ("ann", "bob"))
    far.bind((own("bob", family), 53))
    near.connect((seen("bob", family), 53))
    return near, far


@both
@pytest.mark.parametrize("state", ["on", "off"])
@pytest.mark.parametrize("size", [0, 1, 700, 1472, 5000, 60001])
def test_datagrams_arrive_in_fragments_and_whole(twin_site: TwinSite, family: str, state: str, size: int) -> None:
    for link in ("web", "far"):
        offload(link, state)
    near, far = _datagrams(twin_site, family)
    with near, far:
        near.send(_MEGABYTES[:size])
        came, who = far.recvfrom(1 << 16)
        assert (came, who[0]) == (_MEGABYTES[:size], seen("ann", family))
        far.sendto(came, who[:2])
        assert near.recv(1 << 16) == _MEGABYTES[:size]


def test_datagrams_without_a_checksum_arrive(twin_site: TwinSite) -> None:
    near, far = _datagrams(twin_site, "ipv4")
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
        near.send(b"question")
        assert far.recvfrom(100)[0] == b"question"


@both
def test_an_echo_is_answered(twin_site: TwinSite, family: str) -> None:
    out = twin_site.ends["ann"].run("ping", "-c", "2", "-i", "0.2", "-W", "5", "-s", "3000", seen("bob", family))
    assert "2 received" in out


@both
def test_nobody_else_is_reached(twin_site: TwinSite, family: str) -> None:
    """bob may ask nothing, and who is asked by ann's own address is ann."""
    near = twin_site.ends["ann"].socket(_family(family), socket.SOCK_STREAM)
    with _listening(twin_site, family), near, pytest.raises(ConnectionRefusedError):
        near.connect((own("bob", family), 5432))
    with twin_site.ends["bob"].socket(_family(family), socket.SOCK_STREAM) as far:
        far.settimeout(BRIEFLY)
        with pytest.raises(TimeoutError):
            far.connect((seen("ann", family), 5432))
    assert twin_site.reasons() == {"NO_RULE"}


@both
def test_who_asks_a_closed_port_is_told(twin_site: TwinSite, family: str) -> None:
    """The kernel believes an error only if it quotes what was sent."""
    with twin_site.ends["ann"].socket(_family(family), socket.SOCK_DGRAM) as near:
        near.connect((seen("bob", family), 53))
        near.send(b"question")
        with pytest.raises(ConnectionRefusedError):
            near.recv(100)


@both
def test_what_is_too_large_is_told_by_the_host(twin_site: TwinSite, family: str) -> None:
    """By the host itself, of whose interfaces one has a smaller MTU: the sender learns it, for the address it knows."""
    ip("link set far mtu 1400")
    twin_site.ends["bob"].run("ip", "link", "set", "port", "mtu", "1400")
    near, far = _datagrams(twin_site, family)
    with near, far:
        near.setsockopt(*_MTU_DISCOVER[family], _DO)
        near.send(bytes(1440))
        with pytest.raises(OSError, match="Message too long") as caught:
            near.recv(100)
        assert caught.value.errno == errno.EMSGSIZE
        assert near.getsockopt(*_MTU[family]) == 1400
    _exchange(twin_site, family, _MEGABYTES[: 1 << 18])


@both
def test_what_has_gone_too_far_is_told_by_the_host(twin_site: TwinSite, family: str) -> None:
    with twin_site.ends["ann"].socket(_family(family), socket.SOCK_DGRAM) as near:
        if family == "ipv6":
            near.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
        else:
            near.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        near.setsockopt(
            socket.IPPROTO_IPV6 if family == "ipv6" else socket.IPPROTO_IP, 25 if family == "ipv6" else 11, 1
        )
        near.connect((seen("bob", family), 53))
        near.send(b"question")
        with pytest.raises(OSError, match="No route to host"):
            near.recv(100)


@both
def test_the_host_itself_reaches_and_is_reached(twin_site: TwinSite, family: str) -> None:
    """It is a peer of ann's network, and sends what its devices have to complete."""
    with _listening(twin_site, family) as door, socket.socket(_family(family), socket.SOCK_STREAM) as near:
        near.settimeout(10)
        near.bind((own("hut", family), 0))
        offload("far", "off")
        near.connect((seen("bob", family), 5432))
        far, who = door.accept()
        with far:
            assert who[0] == seen("hut", family)
            far.settimeout(10)
            sender = threading.Thread(target=near.sendall, args=(_MEGABYTES,))
            sender.start()
            assert _received(far, len(_MEGABYTES)) == _MEGABYTES
            sender.join()
            far.sendall(b"answer")
            assert near.recv(100) == b"answer"
