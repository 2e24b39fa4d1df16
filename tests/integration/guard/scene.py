# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A runner: a policed bridge of ours, a Docker, containers on the bridge, and a guard that is a process.

Nothing here needs more than Python itself, so that it can be played in a machine with another kernel too.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bound
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.labelled import Labelled
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, VXLAN, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import RUNNER, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS, Attachment, PolicyMaps
from tests.integration.bpf.hosts import Neighbour, until
from tests.integration.bpf.names import ADDRESSES, MACS
from tests.integration.bpf.stage import Stage, ip
from tests.integration.guard.docker import NETWORK, Container, Docker

HOME = Path(__file__).resolve().parents[3]
LINK = Link("bridge", BRIDGE, "weft:runner1", "02:00:00:00:00:01", 1500)
TUNNEL = Link("vxlan0", VXLAN, "weft:hub", "02:77:01:00:00:65", 1450, "bridge", 101, 4789, "198.18.0.1", "198.18.0.2")
# As tests/integration/bpf/test_ports.py numbers it.
NUMBER = 9
DOOR = 5432
BRIEFLY = 0.4
_PROCESS = str(Path(__file__).with_name("process.py"))


class Scene:
    """folder: for files. stage: with the policy of the place. gated: whether the bridge has a gate from the start."""

    def __init__(self, folder: Path, stage: Stage, maps: PolicyMaps, gated: bool = False) -> None:
        self.folder, self.stage, self.docker = folder, stage, Docker(folder)
        self.neighbours: dict[str, Neighbour] = {}
        self._guard: subprocess.Popen[str] | None = None
        self.said: list[str] = []
        self.link = LINK._replace(gated=gated)
        self.apply(Change(ADD, "link", LINK.name, None, self.link))
        for address, length in zip(ADDRESSES["host"], (16, 32)):
            if ":" in address:
                Path("/proc/sys/net/ipv6/conf/bridge/disable_ipv6").write_text("0", encoding="ascii")
            ip(f"address add {address}/{length} dev bridge" + (" nodad" if ":" in address else ""))
        ip("link set bridge type bridge mcast_snooping 0")
        self.stage.enforce(maps)
        police(stage.folder, "bridge", Policed(NUMBER, 1, PORTS))
        self.plan(NUMBER)

    def plan(self, number: int, labelled: tuple[Labelled, ...] = ()) -> None:
        """What a run would store. number: of the bridge's attachment."""
        policy = PolicyMaps(attachments=(Attachment("bridge", number, 1, PORTS),))
        network = DockerNetwork(NETWORK, "10.20.0.0/16", "10.20.0.1", "bridge", 1500, False)
        plan = HostPlan("runner1", RUNNER, links=(LINK, TUNNEL), networks=(network,), policy=policy, labelled=labelled)
        draft = self.folder / "plan.new"
        draft.write_text(to_json(plan), encoding="utf-8")
        draft.rename(self.folder / "plan.json")

    def close(self) -> None:
        self.kill()
        self.docker.stop()
        for neighbour in self.neighbours.values():
            neighbour.close()

    @staticmethod
    def apply(*changes: Change) -> None:
        with Netlink() as netlink:
            netlink.apply(changes)

    def seen(self) -> Link:
        with Netlink() as netlink:
            return next(link for link in netlink.observe().links if link.name == LINK.name)

    def turn(self, gated: bool) -> None:
        """The bridge as a run would change it."""
        before, after = self.seen(), self.seen()._replace(gated=gated)
        self.apply(Change(CHANGE, "link", LINK.name, before, after))

    # the guard

    def guard(self) -> None:
        """Starts it, and waits until it is at work."""
        words = [sys.executable, _PROCESS, str(self.folder / "plan.json"), self.stage.folder]
        words += [self.docker.socket, self.docker.pid]
        paths = os.pathsep.join((str(HOME), str(HOME / ".collections")))
        self._guard = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}, cwd=HOME
        )
        ready = threading.Event()
        self._listener = threading.Thread(target=self._listen, args=(self._guard, ready), daemon=True)
        self._listener.start()
        assert ready.wait(60), "the guard did not begin"

    def _listen(self, guard: subprocess.Popen[str], ready: threading.Event) -> None:
        assert guard.stdout is not None
        with guard.stdout:
            for line in guard.stdout:
                if line == "ready\n":
                    ready.set()
                else:
                    self.said.append(line.rstrip())

    def kill(self) -> None:
        """As a crash would."""
        if self._guard is not None:
            self._guard.send_signal(signal.SIGKILL)
            self._guard.wait()
            self._listener.join()
            self._guard = None

    # containers

    def plug(self, name: str) -> Container:
        """A container whose namespace is there, and its port; Docker does not run it yet."""
        self.neighbours[name] = Neighbour(name)
        return Container(name, self.neighbours[name].space(), {NETWORK: ADDRESSES[name]}, MACS[name])

    def run(self, name: str) -> None:
        self.docker.run(self.plug(name))

    def remove(self, name: str) -> None:
        self.docker.end(name)
        self.neighbours.pop(name).close()
        until(lambda: not _is_there(name), f"{name} did not go")

    def bound(self) -> dict[str, set[str]]:
        """Addresses by name of the port; of one that is gone, by its number."""
        found: dict[str, set[str]] = {}
        for number, address in bound(self.stage.folder):
            found.setdefault(_name(number), set()).add(address)
        return found

    def reaches(self, source: str, target: str, family: str = "ipv4", patience: float = BRIEFLY) -> bool:
        """Whether the one gets a TCP connection to the other."""
        with self.neighbours[target].listen(family, DOOR), suppress(OSError):
            return self.neighbours[source].connect(family, target, DOOR, patience)
        return False  # the neighbour did not even say its MAC address

    def comes_to_reach(self, source: str, target: str, family: str = "ipv4") -> None:
        until(lambda: self.reaches(source, target, family), f"{source} does not reach {target}; {self.said}")


def _is_there(name: str) -> bool:
    with suppress(OSError):
        return bool(socket.if_nametoindex(name))
    return False


def _name(number: int) -> str:
    try:
        return socket.if_indextoname(number)
    except OSError:
        return str(number)
