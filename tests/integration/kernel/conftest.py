# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every test here runs in a network namespace of its own, which is gone with the test.

What is there is asked of iproute2, never of the code under test.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink, Network
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link

_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_SOCKETS = Path("/var/run/wireguard")
_LIBC = ctypes.CDLL(None, use_errno=True)


class Host:
    """A network namespace, seen through iproute2 and through the adapter."""

    def ip(self, command: str) -> str:
        run = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"ip {command}: {run.stderr}"
        return run.stdout

    def batch(self, lines: list[str]) -> None:
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def json(self, command: str) -> list[dict[str, Any]]:
        # iproute2 prints {} for what it leaves out.
        found: list[dict[str, Any]] = json.loads(self.ip("-j -d " + command) or "[]")
        return [item for item in found if item]

    def link(self, name: str) -> dict[str, Any]:
        return self.json(f"link show dev {name}")[0]

    def names(self) -> set[str]:
        return {link["ifname"] for link in self.json("link")}

    def entries(self, name: str) -> list[tuple[str, str]]:
        """The forwarding entries of a VXLAN: MAC and destination."""
        run = subprocess.run(["bridge", "-j", "fdb", "show", "dev", name], capture_output=True, text=True, check=True)
        return [(entry["mac"], entry["dst"]) for entry in json.loads(run.stdout) if "dst" in entry]

    def switch(self, name: str) -> str:
        with open(f"/proc/sys/net/{name}") as file:
            return file.read().strip()

    def set_switch(self, name: str, value: str) -> None:
        with open(f"/proc/sys/net/{name}", "w") as file:
            file.write(value)

    def observe(self) -> Network:
        with Netlink() as netlink:
            return netlink.observe()

    def seen(self, name: str) -> Link:
        return {link.name: link for link in self.observe().links}[name]

    def apply(self, *changes: Change) -> None:
        with Netlink() as netlink:
            netlink.apply(changes)

    def add(self, kind: str, *values: Any) -> None:
        self.apply(*[Change(ADD, kind, value.key(), None, value) for value in values])

    def change(self, kind: str, before: Any, after: Any) -> None:
        self.apply(Change(CHANGE, kind, after.key(), before, after))

    def remove(self, kind: str, *values: Any) -> None:
        self.apply(*[Change(REMOVE, kind, value.key(), value, None) for value in values])


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.fail("network namespaces need root")
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.unshare(_CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        found = Host()
        found.ip("link set lo up")
        yield found
    finally:
        _LIBC.setns(home, _CLONE_NEWNET)
        os.close(home)


class Far:
    """Another network namespace, with a veth `far` to this one's `near`."""

    def __init__(self, host: Host) -> None:
        self._process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        home = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{self._process.pid}/ns/net").st_ino == home:
            time.sleep(0.01)
        self.enter = ("nsenter", "--net", "--target", str(self._process.pid))
        host.batch(
            [
                f"link add near type veth peer name far netns {self._process.pid}",
                "addr add 198.18.0.10/24 dev near",
                "addr add fd00:18::10/64 dev near nodad",
                "link set near up",
            ]
        )
        for line in (
            "link set lo up",
            "addr add 198.18.0.11/24 dev far",
            "addr add fd00:18::11/64 dev far nodad",
            "link set far up",
        ):
            self.run("ip", *line.split())

    def run(self, *command: str, text: str | None = None) -> str:
        run = subprocess.run([*self.enter, *command], input=text, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{command}: {run.stderr}"
        return run.stdout

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class WireGuard(Host):
    """A host with folders of its own for keys and for the control sockets of wireguard-go, which is started by hand:
    nothing here is booted with systemd."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self.far = Far(self)

    def start(self, link: str, enter: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "WG_PROCESS_FOREGROUND": "1"}
        process = subprocess.Popen([*enter, "wireguard-go", "-f", link], env=environment)
        self._processes.append(process)
        end = time.monotonic() + 10
        while not _answers(_SOCKETS / f"{link}.sock"):
            assert time.monotonic() < end, f"wireguard-go does not answer for {link}"
            time.sleep(0.01)
        return process

    def wg(self, *arguments: str, text: str | None = None) -> str:
        run = subprocess.run(["wg", *arguments], input=text, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"wg {arguments}: {run.stderr}"
        return run.stdout

    def new_key(self) -> tuple[str, str]:
        """A private key and its public one."""
        private = self.wg("genkey").strip()
        return private, self.wg("pubkey", text=private).strip()

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.wait()
        self.far.close()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        try:
            door.connect(str(path))
        except OSError:
            return False
    return True


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A mount namespace of its own, with empty folders for what weft keeps and for control sockets, without systemd."""
    home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    folder = os.getcwd()
    try:
        if _LIBC.unshare(_CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        places = [Path("/var/lib/weft"), _SOCKETS.resolve(), Path("/run/systemd")]
        for place in places:
            place.mkdir(parents=True, exist_ok=True)
        if _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
            raise OSError(ctypes.get_errno(), "mount")
        for place in places:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", place], check=True)
        yield tmp_path
    finally:
        _LIBC.setns(home, _CLONE_NEWNS)
        os.close(home)
        os.chdir(folder)


@pytest.fixture
def wireguard(host: Host, disk: Path) -> Iterator[WireGuard]:  # noqa: ARG001  # both are where it lives
    found = WireGuard()
    try:
        yield found
    finally:
        found.stop()


@pytest.fixture
def hub_link() -> Link:
    return Link(
        name="vxkr1",
        kind="vxlan",
        alias="weft:runner1",
        mac="02:77:00:00:00:01",
        mtu=1450,
        vni=101,
        port=4789,
        local="198.18.0.10",
        remote="198.18.0.11",
    )


@pytest.fixture
def bridge() -> Link:
    return Link(name="kohaku-overlay", kind="bridge", alias="weft:runner1", mac="02:77:00:00:01:00", mtu=1450)
