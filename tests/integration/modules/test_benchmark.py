# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The playbook of the benchmark on real tunnels: wireguard-go between two network namespaces.

The figures themselves say nothing here; that there are some, whose they are, and what is left behind, does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .tunnels import MEASURED, PORT, PRODUCTION, Tunnels, client_link

ROOT = Path(__file__).parents[3]
PLAYBOOK = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/benchmark.yml"]
SHORT = {"client": "bench1", "rounds": 1, "seconds": 1, "weft_benchmark_pings": 20, "weft_benchmark_port": PORT}


Meanwhile = Callable[[str], object]


class Done:
    """A run of the playbook. meanwhile: called with each line that it says, as it says it."""

    def __init__(
        self, tunnels: Tunnels, *options: str, python: str = "", meanwhile: Meanwhile = str, **variables: Any
    ) -> None:
        given = {"weft_benchmark_packages": [], **SHORT, **variables}
        command = [*PLAYBOOK, "-i", str(tunnels.folder / "hosts.yml"), "-e", json.dumps(given), *options]
        environment = {**os.environ, "PYTHONPATH": python, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
        self.said = ""
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            for line in run.stdout or ():
                self.said += line
                meanwhile(line)
        self.failed = run.returncode != 0

    def folder(self, tunnels: Tunnels) -> Path:
        return max((tunnels.folder / "benchmark").iterdir())


def leftovers(tunnels: Tunnels) -> str:
    """What still runs in the server's namespace besides wireguard-go, and what listens there."""
    processes = tunnels.run("nas1", "ip", "netns", "pids", tunnels.spaces["nas1"]).split()
    commands = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in processes if _there(pid)]
    running = [command for command in commands if "wireguard-go" not in command]
    return "\n".join(running) + tunnels.run("nas1", "ss", "-Hltn")


def _there(pid: str) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists() and int(pid) != os.getpid()


@pytest.fixture(scope="module")
def tunnels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tunnels]:
    if os.geteuid() != 0:
        pytest.fail("network namespaces need root")
    found = Tunnels(tmp_path_factory.mktemp("benchmark"))
    try:
        found.build()
        yield found
    finally:
        found.remove()


@pytest.fixture(scope="module")
def before(tunnels: Tunnels) -> dict[str, str]:
    """The interface that belongs to the router, as it was before anything was measured."""
    return production(tunnels)


def production(tunnels: Tunnels) -> dict[str, str]:
    """All that wg(8) and iproute2 say of it on both ends, with what was carried; without its keys."""
    ends = {"nas1": PRODUCTION, "bench1": client_link(PRODUCTION)}
    looks = ("endpoints", "allowed-ips", "latest-handshakes", "transfer", "listen-port", "fwmark")
    said = {
        f"{host} {look}": tunnels.run(host, "wg", "show", link, look) for host, link in ends.items() for look in looks
    }
    links = {host: tunnels.run(host, "ip", "-d", "address", "show", "dev", link) for host, link in ends.items()}
    return {**said, **links}


@pytest.fixture(scope="module")
def run(tunnels: Tunnels, before: dict[str, str]) -> Done:
    assert before
    return Done(tunnels)


@pytest.fixture(scope="module")
def result(tunnels: Tunnels, run: Done) -> dict[str, Any]:
    assert not run.failed, run.said
    found: dict[str, Any] = json.loads((run.folder(tunnels) / "result.json").read_text())
    return found


def test_every_interface_gets_every_work_and_both_ends_say_what_it_cost(result: dict[str, Any]) -> None:
    done = [(one["interface"], one["work"]) for one in result["samples"]]
    works = ["idle-ipv4", "idle-ipv6", "tcp-1", "tcp-8", "udp-64"]
    assert sorted(done) == [(interface, work) for interface in MEASURED for work in works]
    assert result["faults"] == []
    for sample in result["samples"]:
        figures = sample["figures"]
        assert sample["client"]["process"] >= 0
        assert sample["client"]["resident"] > 1_000_000
        if sample["work"].startswith("tcp"):
            assert figures["bits_per_second"] > 1_000_000
            assert len(figures["rtt_ms"]) == 40
            # encryption takes time, and it is wireguard-go that spends it
            assert 0 < sample["server"]["process"] < sample["server"]["busy"] + 0.1
            assert 0.9 < sample["server"]["seconds"] < 3
        elif sample["work"] == "udp-64":
            assert 1000 < figures["received"] <= figures["sent"]
        else:
            assert len(figures["rtt_ms"]) == 20
            assert None not in figures["rtt_ms"]
            assert sample["server"] is None


def test_traffic_goes_through_the_measured_tunnel(tunnels: Tunnels, result: dict[str, Any]) -> None:
    for interface in MEASURED:
        payload = sum(one["figures"].get("bytes", 0) for one in result["samples"] if one["interface"] == interface)
        received, _sent = tunnels.run("nas1", "wg", "show", interface, "transfer").split()[1:]
        assert int(received) > payload > 0


def test_the_environment_says_what_was_measured(result: dict[str, Any]) -> None:
    assert result["environment"].keys() == {"nas1", "bench1"}
    nas = result["environment"]["nas1"]
    assert nas["links"]["wbm1"]["implementation"] == "userspace"
    assert [nas["links"][name]["mtu"] for name in MEASURED] == [1420, 1280]
    assert nas["links"]["wbm1"]["underlay"] == "under"
    assert nas["links"]["wbm1"]["overhead"] == 60
    assert nas["underlays"]["under"]["mtu"] == 1500
    assert nas["versions"].keys() >= {"iperf3", "wg", "wireguard-go"}
    assert result["plans"].keys() == {"nas1", "bench1"}


def test_the_routers_interface_is_not_touched(tunnels: Tunnels, before: dict[str, str], result: dict[str, Any]) -> None:
    assert result["interfaces"].keys() == set(MEASURED)
    assert production(tunnels) == before


def test_nothing_stays_behind(tunnels: Tunnels, result: dict[str, Any]) -> None:
    assert result["samples"]
    assert leftovers(tunnels) == ""
    assert not Path("/run/weft-benchmark.sock").exists()


def test_the_folder_has_the_table_the_page_and_the_pictures(tunnels: Tunnels, run: Done) -> None:
    folder = run.folder(tunnels)
    table = (folder / "table.txt").read_text()
    assert "TCP, one flow (Mbit/s, more is better)" in table
    assert table.splitlines()[0] in run.said
    page = ElementTree.parse(folder / "report.html").getroot()  # noqa: S314  # written by the run
    figures = page.findall(".//{http://www.w3.org/2000/svg}svg")
    pictures = list(folder.glob("*.png"))
    assert len(figures) == len(pictures) == len(page.findall(".//figure"))
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_a_run_compared_with_itself_differs_in_nothing(tunnels: Tunnels, run: Done) -> None:
    folder = str(run.folder(tunnels))
    done = Done(tunnels, run=folder, compare=folder)
    assert not done.failed, done.said
    assert "nothing that was recorded" in done.said
    assert "not distinguishable" in (Path(folder) / "compare.txt").read_text()


def test_check_mode_says_what_would_be_measured_and_measures_nothing(tunnels: Tunnels, run: Done) -> None:
    folders = list((tunnels.folder / "benchmark").iterdir())
    done = Done(tunnels, "--check")
    assert not done.failed, done.said
    assert "measuring wbm1, wbm2 from bench1, 1 rounds, about 1 min" in done.said
    assert list((tunnels.folder / "benchmark").iterdir()) == folders
    assert "-> bench1" in run.said
    assert "-> bench1" not in done.said


def test_without_matplotlib_nothing_is_begun(tunnels: Tunnels, tmp_path: Path) -> None:
    (tmp_path / "matplotlib.py").write_text('raise ImportError("there is none")')
    done = Done(tunnels, python=str(tmp_path))
    assert done.failed
    assert "need matplotlib on the controller: pip install matplotlib (there is none)" in done.said
    assert "Start the servers' ends" not in done.said


def test_an_interface_of_a_router_is_refused_by_name(tunnels: Tunnels) -> None:
    done = Done(tunnels, interfaces=f"{MEASURED[0]},{PRODUCTION}")
    assert done.failed
    assert f"interfaces: {PRODUCTION}: belongs to router1, which has role router" in done.said


def test_a_client_that_nobody_knows_is_refused(tunnels: Tunnels) -> None:
    done = Done(tunnels, client="bench9")
    assert done.failed
    assert "client: bench9: is not in the inventory" in done.said


def test_a_port_that_the_servers_firewall_refuses_is_told_before_anything_is_measured(tunnels: Tunnels) -> None:
    tunnels.run("nas1", "nft", "add table inet guard")
    try:
        tunnels.run("nas1", "nft", "add chain inet guard input { type filter hook input priority 0; }")
        tunnels.run("nas1", "nft", f"add rule inet guard input iifname wbm2 tcp dport {PORT} reject with tcp reset")
        done = Done(tunnels)
    finally:
        tunnels.run("nas1", "nft", "delete table inet guard")
    assert done.failed
    assert f"interfaces: wbm2: port {PORT} of 10.94.2.1 is not reached through wbc2" in done.said
    assert "interfaces: wbm1" not in done.said
    assert "round 1" not in done.said
    assert leftovers(tunnels) == ""


def test_a_tunnel_that_breaks_takes_nothing_from_the_others(tunnels: Tunnels) -> None:
    """The first turns go well; then the server forgets the client of one interface."""
    key, ips = tunnels.keys[client_link("wbm2")], "10.94.2.2/32,fd00:94:2::2/128"

    def forget(line: str) -> None:
        if line.startswith("ok:") and "round 1: wbm2" in line:
            tunnels.run("nas1", "wg", "set", "wbm2", "peer", key, "remove")

    try:
        done = Done(tunnels, rounds=2, meanwhile=forget)
    finally:
        tunnels.run("nas1", "wg", "set", "wbm2", "peer", key, "allowed-ips", ips)
    assert done.failed
    found = json.loads((done.folder(tunnels) / "result.json").read_text())
    (fault,) = found["faults"]
    assert fault.startswith("round 2, wbm2: wbm2: tcp-1: iperf3: ")
    kept = {(one["round"], one["interface"]) for one in found["samples"]}
    assert kept == {(1, "wbm1"), (1, "wbm2"), (2, "wbm1")}
    assert f"failed: {fault}" in (done.folder(tunnels) / "table.txt").read_text()
    assert leftovers(tunnels) == ""


def test_a_tunnel_that_carries_nothing_is_told_before_anything_is_measured(tunnels: Tunnels) -> None:
    key = tunnels.keys[client_link("wbm1")]
    ips = tunnels.run("nas1", "wg", "show", "wbm1", "allowed-ips").split("\t")[1].strip().replace(" ", ",")
    tunnels.run("nas1", "wg", "set", "wbm1", "peer", key, "remove")
    try:
        done = Done(tunnels, interfaces="wbm1")
    finally:
        tunnels.run("nas1", "wg", "set", "wbm1", "peer", key, "allowed-ips", ips)
    assert done.failed
    assert "interfaces: wbm1: 10.94.1.1 does not answer" in done.said
    assert leftovers(tunnels) == ""
