# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Neighbours of the test's host: network namespaces on its bridge, and a tunnel whose other end is here."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.bpf.names import ADDRESSES, MACS
from tests.integration.bpf.stage import ip

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 3
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI, _IFF_VNET_HDR = 0x400454CA, 1, 0x1000, 0x4000
# struct virtio_net_hdr: flags, kind of segmentation, length of headers, and three that are not used here
_VIRTIO = struct.Struct("=BBHHHH")
_TRAFFIC = str(Path(__file__).with_name("traffic.py"))
# Longer than anything on this machine takes.
PATIENCE = 10


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Neighbour:
    """A namespace with a link `port`; the host's end of it has the neighbour's name and is a port of `bridge`."""

    def __init__(self, name: str, bridge: str = "bridge") -> None:
        self.name = name
        self._process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        try:
            self._set_up(bridge)
        except BaseException:
            self.close()
            raise

    def _set_up(self, bridge: str) -> None:
        name, home = self.name, os.stat("/proc/self/ns/net").st_ino
        until(lambda: os.stat(f"/proc/{self._process.pid}/ns/net").st_ino != home, "no namespace")
        ip(f"link add {name} type veth peer name port address {MACS[name]} netns {self._process.pid}")
        ip(f"link set {name} master {bridge} up")
        self.run("ip", "link", "set", "lo", "up")
        for address, length in zip(ADDRESSES[name], (16, 32)):
            dad = ["nodad"] if ":" in address else []
            self.run("ip", "address", "add", f"{address}/{length}", "dev", "port", *dad)
        self.run("ip", "link", "set", "port", "up")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def space(self) -> str:
        """The file of the namespace."""
        return f"/proc/{self._process.pid}/ns/net"

    def start(self, *command: str, **options: object) -> subprocess.Popen[str]:
        enter = ["nsenter", "--net", "--target", str(self._process.pid), *command]
        return subprocess.Popen(enter, text=True, **options)  # type: ignore[call-overload, no-any-return]

    def run(self, *command: str) -> str:
        process = self.start(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out, _none = process.communicate()
        assert process.returncode == 0, f"{command}: {out}"
        return out

    def traffic(self, *arguments: str) -> subprocess.Popen[str]:
        return self.start(sys.executable, _TRAFFIC, *arguments, stdout=subprocess.PIPE)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """One that is in this namespace."""
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        there = os.open(f"/proc/{self._process.pid}/ns/net", os.O_RDONLY)
        try:
            assert _LIBC.setns(there, _CLONE_NEWNET) == 0
            found = socket.socket(family, kind, protocol)
            found.settimeout(PATIENCE)
            return found
        finally:
            _LIBC.setns(home, _CLONE_NEWNET)
            os.close(home)
            os.close(there)

    def wire(self) -> socket.socket:
        """Frames, as they are on the link."""
        found = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        found.bind(("port", _ETH_P_ALL))
        return found

    def listen(self, family: str, port: int) -> socket.socket:
        found = self.socket(_family(family), socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((ADDRESSES[self.name][family == "ipv6"], port))
        found.listen()
        return found

    def connect(self, family: str, name: str, port: int, patience: float) -> bool:
        """Whether a connection to one of the place comes about."""
        return self.reaches(ADDRESSES[name][family == "ipv6"], port, patience)

    def reaches(self, address: str, port: int, patience: float) -> bool:
        """The same, to any address."""
        with self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as end:
            end.settimeout(patience)
            try:
                end.connect((address, port))
                # An error that came and was taken back looks like a connection to whoever waits for one.
                end.getpeername()
            except TimeoutError:
                return False
            except OSError as error:
                # Nobody told the neighbour's MAC.
                if error.errno in {errno.EHOSTUNREACH, errno.ENOTCONN}:
                    return False
                raise
            return True


def _family(family: str) -> int:
    return socket.AF_INET6 if family == "ipv6" else socket.AF_INET


class Tunnel:
    """A device of layer 3 on this host; what would be at its other end is read and written here."""

    def __init__(self, name: str) -> None:
        self._handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI | _IFF_VNET_HDR)
        fcntl.ioctl(self._handle, _TUNSETIFF, request)
        ip(f"link set {name} up")

    def close(self) -> None:
        os.close(self._handle)

    def send(self, packet: bytes, linear: int = 0) -> None:
        """linear: how many bytes are to be in one piece in the kernel's memory, 0: all. Only packets of over a page
        are ever in several."""
        os.write(self._handle, _VIRTIO.pack(0, 0, linear, 0, 0, 0) + packet)

    def receive(self, wanted: Callable[[bytes], object]) -> bytes:
        """The next packet that is wanted."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                packet = os.read(self._handle, 65536)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            if wanted(packet[_VIRTIO.size :]):
                return packet[_VIRTIO.size :]
        raise AssertionError("nothing came")
