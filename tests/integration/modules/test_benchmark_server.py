# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The server's end of a benchmark in the background: it ends when told to, by itself, or with who kills it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PORT = 5211
SOCKET = Path("/run/weft-benchmark.sock")
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.iperf import Listener
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.server import start, stop
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError
listeners = [Listener("lo", address) for address in sys.argv[3].split(",")]
try:
    print(json.dumps(stop() if sys.argv[2] == "stop" else start(listeners, int(sys.argv[4]), float(sys.argv[5]))))
except WeftError as error:
    sys.exit(str(error))
"""


class Space:
    """A network namespace with nothing but loopback."""

    name = f"weft-benchmark-server-{os.getpid()}"

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        command = ["ip", "netns", "exec", self.name, *argv]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def call(self, what: str, addresses: str = "127.0.0.1", idle: float = 60) -> subprocess.CompletedProcess[str]:
        """As the module does it on a host: in a process that ends."""
        where = str(ROOT / ".collections")
        return self.run("/usr/bin/python3", "-c", CALL, where, what, addresses, str(PORT), str(idle))

    def measure(self) -> str:
        """One short test; the cookie that iperf3 gave it."""
        done = self.run("iperf3", "-c", "127.0.0.1", "-p", str(PORT), "-t", "1", "-J")
        cookie: str = json.loads(done.stdout)["start"]["cookie"]
        return cookie

    def processes(self) -> dict[int, str]:
        """Those that run here, by number; what has ended and waits for its parent is none."""
        found = {}
        for pid in self.pids():
            try:
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
            except FileNotFoundError:
                continue  # it ended while we looked
        return found

    def pids(self) -> list[int]:
        listed = subprocess.run(["ip", "netns", "pids", self.name], capture_output=True, text=True, check=True)
        return [int(pid) for pid in listed.stdout.split()]

    def wait_until_empty(self) -> None:
        end = time.monotonic() + 10
        while self.processes():
            assert time.monotonic() < end, self.processes()
            time.sleep(0.05)


@pytest.fixture
def space() -> Iterator[Space]:
    if os.geteuid() != 0:
        pytest.fail("network namespaces need root")
    found = Space()
    subprocess.run(["ip", "netns", "add", found.name], check=True)
    try:
        found.run("ip", "link", "set", "lo", "up")
        yield found
        found.call("stop")
        assert found.processes() == {}
    finally:
        subprocess.run(["ip", "netns", "delete", found.name], check=True)


def records(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_every_test_is_recorded_with_its_cookie_and_what_it_cost(space: Space) -> None:
    assert space.call("start").returncode == 0
    cookies = [space.measure(), space.measure()]
    found = records(space.call("stop"))
    assert [test["cookie"] for test in found] == cookies
    for test in found:
        assert 0.9 < test["usage"]["seconds"] < 3
        assert test["usage"]["busy"] > 0
        # loopback is nobody's tunnel
        assert test["usage"]["process"] is None


def test_only_root_may_speak_to_it(space: Space) -> None:
    space.call("start")
    assert SOCKET.stat().st_mode & 0o777 == 0o600


def test_stopping_what_does_not_run_is_no_error(space: Space) -> None:
    assert records(space.call("stop")) is None


def test_a_second_benchmark_is_refused_and_does_not_disturb_the_first(space: Space) -> None:
    space.call("start")
    refused = space.call("start")
    assert "another benchmark is running on this host" in refused.stderr
    cookie = space.measure()
    assert [test["cookie"] for test in records(space.call("stop"))] == [cookie]


def test_an_address_that_is_not_here_is_told_and_nothing_runs(space: Space) -> None:
    refused = space.call("start", "127.0.0.1,192.0.2.77")
    assert "iperf3 on 192.0.2.77: iperf3: error - unable to start listener" in refused.stderr
    space.wait_until_empty()
    assert not SOCKET.exists()


def test_it_ends_by_itself_when_nobody_measures_any_more(space: Space) -> None:
    space.call("start", idle=1)
    assert space.processes()
    space.wait_until_empty()
    assert not SOCKET.exists()


def test_a_test_that_is_broken_off_leaves_a_server_that_measures_on(space: Space) -> None:
    space.call("start")
    space.run("timeout", "1", "iperf3", "-c", "127.0.0.1", "-p", str(PORT), "-t", "30")
    cookie = space.measure()
    assert records(space.call("stop"))[-1]["cookie"] == cookie


def test_what_kills_it_kills_iperf3_and_the_next_one_starts(space: Space) -> None:
    space.call("start")
    (ours,) = [pid for pid, name in space.processes().items() if name != "iperf3"]
    os.kill(ours, signal.SIGKILL)
    space.wait_until_empty()
    assert SOCKET.exists()
    assert space.call("start").returncode == 0
    assert records(space.call("stop")) == []
