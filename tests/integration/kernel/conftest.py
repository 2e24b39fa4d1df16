# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every test here runs in a network namespace of its own, which is gone with the test.

What is there is asked of iproute2, never of the code under test.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink, Network
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link

_CLONE_NEWNET = 0x40000000
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
