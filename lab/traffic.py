"""Real traffic between containers and hosts of the lab, and what is seen of it on the wires."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import cgroup, machine, network
from . import host as hosts
from .paths import agent
from .shell import LabError, wait_until

IMAGE = "weft-lab:1"
CONTAINER = "probe"
NETWORK = "kohakuriver-overlay"
HUB = "10.0.0.1"
INTERNET = "198.19.0.200"

# Serves the container's own name, also after the container was started again by Docker.
SERVE = "mkdir -p /tmp/www && hostname > /tmp/www/name && exec httpd -f -p 8000 -h /tmp/www"


def must(name: str, *argv: str) -> str:
    """Run a command in a host and return what it printed. Raises LabError with its stderr if it fails."""
    done = machine.execute(name, *argv)
    if done.returncode != 0:
        raise LabError(f"{name}: {' '.join(argv)[:200]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def run_container(runner: str, net: str = NETWORK, container: str = CONTAINER, *options: str) -> str:
    """Start a container that serves a page and return its address; one that runs already is kept."""
    if machine.execute(runner, "docker", "start", container).returncode != 0:
        start = f"docker run -d --restart always --name {container} --network {net}".split()
        must(runner, *start, *options, IMAGE, "sh", "-c", SERVE)
    wait_until(f"the web server in {container} on {runner}", lambda: serves(runner, container), 20)
    return address(runner, net, container)


def serves(runner: str, container: str = CONTAINER) -> bool:
    return inside(runner, "curl", "-s", "-m", "1", "http://127.0.0.1:8000/name", container=container).stdout != ""


def remove_container(runner: str, container: str = CONTAINER) -> None:
    machine.execute(runner, "docker", "rm", "--force", container)


def address(runner: str, net: str = NETWORK, container: str = CONTAINER) -> str:
    template = f'{{{{(index .NetworkSettings.Networks "{net}").IPAddress}}}}'
    return must(runner, "docker", "inspect", "-f", template, container).strip()


def inside(runner: str, *argv: str, container: str = CONTAINER) -> subprocess.CompletedProcess[str]:
    return machine.execute(runner, "docker", "exec", container, *argv)


def pings(runner: str, target: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Three pings from the runner's container; all of them must be answered for returncode 0 to mean anything."""
    done = inside(runner, "ping", "-c", "3", "-i", "0.2", "-W", "2", *options, target)
    if done.returncode == 0 and " 0% packet loss" not in done.stdout:
        done.returncode = 1
    return done


def fetch(runner: str, url: str) -> str:
    """What a web server answers to the runner's container; "" when it does not."""
    return inside(runner, "curl", "-s", "-m", "5", url).stdout.strip()


def transfer(source: str, target: str, megabytes: int = 100) -> float:
    """Fetch a file of random bytes from one container into another; returns MB/s. Raises LabError if it differs."""
    make = f"dd if=/dev/urandom of=/tmp/www/file bs=1M count={megabytes} 2>/dev/null && sha256sum < /tmp/www/file"
    wanted = must(source, "docker", "exec", CONTAINER, "sh", "-c", make)
    began = time.monotonic()
    got = inside(target, "sh", "-c", f"curl -s -m 60 http://{address(source)}:8000/file | sha256sum").stdout
    took = time.monotonic() - began
    must(source, "docker", "exec", CONTAINER, "rm", "/tmp/www/file")
    if got != wanted:
        raise LabError(f"{megabytes} MB from {source} did not arrive whole at {target}")
    return megabytes / took


def faults(runners: Sequence[str]) -> list[str]:
    """What does not work between these runners' containers, and from them to the hub and the internet; one try each."""
    found = []
    addresses = {runner: address(runner) for runner in runners}
    for runner, own in addresses.items():
        others = [other for name, other in addresses.items() if name != runner]
        steps = [f"ping -c1 -W1 {other} >/dev/null || echo no ping to {other}" for other in (*others, HUB)]
        steps += [f"[ $(curl -s -m 2 http://{other}:8000/name) ] || echo no page from {other}" for other in others]
        for target, seen_as in ((HUB, own), (INTERNET, hosts.load(runner).address)):
            steps.append(f"s=$(curl -s -m 2 http://{target}:8080/); [ $s = {seen_as} ] || echo {target} saw $s")
        found += [f"{runner}: {line}" for line in inside(runner, "sh", "-c", "; ".join(steps)).stdout.splitlines()]
    return found


def settled(runners: Sequence[str], timeout: float = 40) -> list[str]:
    """The faults that are left when hosts and containers have had time to come back; [] as soon as there are none."""
    end = time.monotonic() + timeout
    while True:
        try:
            for name in ("hub", "internet"):
                serve_echo(name)
            for runner in runners:
                run_container(runner)
            left = faults(runners)
        except LabError as exc:
            left = [str(exc)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


def serve_echo(name: str) -> None:
    """A service on a host that tells each client its address, on TCP 8080."""
    if machine.execute(name, "systemctl", "is-active", "lab-echo").returncode != 0:
        must(name, "systemd-run", "--unit", "lab-echo", "python3", "-c", agent("echo"))
        wait_until(f"the echo service on {name}", lambda: ":8080" in must(name, "ss", "-ltn"), 10)


@contextmanager
def captured(expression: str, bridge: str = network.UNDERLAY_BRIDGE) -> Iterator[list[str]]:
    """What tcpdump decodes on a bridge of the wires while the body runs; the list is filled when it ends."""
    with _tcpdump(network.in_wires(), bridge, expression) as lines:
        yield lines


@contextmanager
def seen(name: str, link: str, expression: str) -> Iterator[list[str]]:
    """What tcpdump sees come in by a link of a host while the body runs; the list is filled when it ends."""
    leader = cgroup.leader(name)
    if leader is None:
        raise LabError(f"{name} is not running")
    # Only the host's network: with its process ids too, nsenter would fork and tcpdump outlive it.
    with _tcpdump(["nsenter", "--target", str(leader), "--net"], link, expression) as lines:
        yield lines


@contextmanager
def _tcpdump(where: list[str], link: str, expression: str) -> Iterator[list[str]]:
    lines: list[str] = []
    argv = [*where, "tcpdump", "-lnni", link, "-Q", "in", expression]
    dump = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if dump.stderr is None:
        raise LabError("tcpdump has no stderr")
    while "listening on" not in dump.stderr.readline():
        if dump.poll() is not None:
            raise LabError("tcpdump did not start")
    try:
        yield lines
        time.sleep(0.3)  # the last packets are still on their way through tcpdump's buffer
    finally:
        dump.terminate()
        lines += [line for line in dump.communicate()[0].splitlines() if line]


def tunnels(lines: list[str]) -> list[tuple[str, str, int]]:
    """(outer source, outer destination, VNI) of each VXLAN packet in what was captured."""
    found = []
    for line in lines:
        words = line.replace(":", " ").split()
        if "VXLAN," in words:
            arrow = words.index(">")
            ends = (".".join(words[at].split(".")[:4]) for at in (arrow - 1, arrow + 1))
            found.append((*ends, int(words[words.index("vni") + 1])))
    return [(source, target, vni) for source, target, vni in found]
