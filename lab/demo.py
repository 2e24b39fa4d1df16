"""Prove on the running lab that overlay and VPN do what they are for, and say what was seen: `python3 -m lab.demo`."""

from __future__ import annotations

import subprocess
import sys

from . import demo_vpn, traffic
from . import host as hosts
from .proof import Row, expect
from .shell import LabError, say

UNDERLAYS = {"hub": "198.18.0.10", "runner1": "198.18.0.11", "runner2": "198.18.0.12"}


def ping_both_ways() -> str:
    for source, target in (("runner1", "runner2"), ("runner2", "runner1")):
        done = traffic.pings(source, traffic.address(target))
        expect(done.returncode == 0, f"{source} → {target}: {done.stdout.strip()}")
    return f"{traffic.address('runner1')} ↔ {traffic.address('runner2')}"


def tcp_both_ways() -> str:
    for source, target in (("runner1", "runner2"), ("runner2", "runner1")):
        page = traffic.fetch(source, f"http://{traffic.address(target)}:8000/name")
        expect(bool(page), f"{source} → {target}: no answer on TCP 8000")
    return "a page fetched each way"


def path_by_the_hub() -> str:
    inner = (traffic.address("runner1"), traffic.address("runner2"))
    with traffic.captured("udp port 4789") as lines:
        traffic.pings("runner1", inner[1])
    asked = [line for line in lines if f"{inner[0]} > {inner[1]}" in line]
    hops = set(traffic.tunnels(lines))
    for hop in ((UNDERLAYS["runner1"], UNDERLAYS["hub"], 101), (UNDERLAYS["hub"], UNDERLAYS["runner2"], 102)):
        expect(hop in hops, f"no VXLAN packet {hop[0]} > {hop[1]} with VNI {hop[2]}")
    direct = [hop for hop in hops if set(hop[:2]) == {UNDERLAYS["runner1"], UNDERLAYS["runner2"]}]
    expect(not direct, f"a packet took the direct way: {direct}")
    expect(bool(asked) or not lines, "the inner addresses were translated")
    return "runner1 → hub VNI 101, hub → runner2 VNI 102"


def largest_packet() -> str:
    target = traffic.address("runner2")
    fits = traffic.pings("runner1", target, "-M", "do", "-s", "1422")
    expect(fits.returncode == 0, f"1422 bytes with DF: {fits.stdout.strip()}")
    too_long = traffic.pings("runner1", target, "-M", "do", "-s", "1423")
    said = too_long.stdout + too_long.stderr
    expect("message too long" in said.lower(), f"1423 bytes with DF: {said.strip()}")
    return "1422 bytes pass with DF, 1423: message too long"


def large_transfer() -> str:
    return f"100 MB arrived whole ({traffic.transfer('runner2', 'runner1'):.0f} MB/s)"


def service_on_the_hub() -> str:
    traffic.serve_echo("hub")
    seen = traffic.fetch("runner1", f"http://{traffic.HUB}:8080/")
    expect(seen == traffic.address("runner1"), f"the hub saw {seen or 'nobody'}")
    return f"the hub sees {seen}"


def internet_past_the_hub() -> str:
    traffic.serve_echo("internet")
    with traffic.captured(f"host {UNDERLAYS['hub']} and not port 22") as lines:
        for runner in ("runner1", "runner2"):
            seen = traffic.fetch(runner, f"http://{traffic.INTERNET}:8080/")
            expect(seen == UNDERLAYS[runner], f"the internet saw {seen or 'nobody'} instead of {runner}")
    by_hub = [line for line in lines if traffic.INTERNET in line]
    expect(not by_hub, f"it went through the hub: {by_hub}")
    return "arrives with its runner's own address"


def reserved_address() -> str:
    seen = traffic.must("runner1", "docker", "network", "inspect", traffic.NETWORK)
    expect('"10.1.0.254"' in seen, "Docker does not keep 10.1.0.254 back")
    return "10.1.0.254 is kept back from Docker's IPAM"


def second_run() -> str:
    argv = ["ansible-playbook", "playbooks/site.yml", "-i", "inventories/lab", "--diff"]
    done = subprocess.run(argv, text=True, capture_output=True, check=False)
    recap = [line for line in done.stdout.splitlines() if "changed=" in line]
    expect(done.returncode == 0 and bool(recap), done.stdout[-2000:] + done.stderr[-2000:])
    busy = [line for line in recap if "changed=0 " not in line]
    expect(not busy, "; ".join(busy))
    return f"changed=0 on {len(recap)} hosts"


ROWS = (
    Row("container on runner 1 ↔ container on runner 2, ICMP", ping_both_ways),
    Row("the same over TCP", tcp_both_ways),
    Row("the path goes by the hub, in VXLAN on UDP 4789", path_by_the_hub),
    Row("largest packet with Don't Fragment", largest_packet),
    Row("large transfer", large_transfer),
    Row("container → service on the hub at 10.0.0.1", service_on_the_hub),
    Row("container → internet, not by the hub", internet_past_the_hub),
    Row("the hub's own address in each subnet", reserved_address),
    *demo_vpn.ROWS,
    Row("a second run of site.yml", second_run),
)

CLOSING = """
The lab stays up. Look around:
  python3 -m lab status                       the hosts
  python3 -m lab exec hub -- ip -br address   a command in a host (or: python3 -m lab ssh runner1)
  python3 -m lab exec road -- ip netns        the VPN clients
  python3 -m lab wires -- tcpdump -nni lab0   what goes over the cables
  make converge                               build the overlay again: nothing changes
  make lab-down                               remove the lab
"""


def main() -> int:
    try:
        missing = {"hub", "runner1", "runner2"} - {host.name for host in hosts.saved()}
        expect(not missing, f"the lab lacks {', '.join(sorted(missing))}: make lab-up")
        for runner in ("runner1", "runner2"):
            traffic.run_container(runner)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1
    failed = 0
    width = max(len(row.claim) for row in ROWS)
    for row in ROWS:
        try:
            verdict, seen = "proven", row.look()
        except LabError as exc:
            verdict, seen = "FAILED", str(exc)
            failed += 1
        say(f"{verdict}  {row.claim.ljust(width)}  {seen}")
    say(f"\n{len(ROWS) - failed} proven, {failed} failed")
    say(CLOSING)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
