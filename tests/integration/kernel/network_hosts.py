# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A router between a client and a sink, all of them network namespaces. The router is the one that the test runs in.

The client's packets are of the network whose tag is their source port: nftables writes the mark, as a program at the
interface would. The sink is everybody's next hop: which one was meant, and so which table the router looked into, is
the last byte of the MAC address that a packet is for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route

SINK_PORT = 7000
ADDRESSES = {4: "10.50.0.1", 6: "fd00:50::1"}
DESTINATIONS = ("10.50.0.0/16", "fd00:50::/64")
# The next hop of the main table.
MAIN = 0xFF

# Prints how often it saw which next hop, by source port and family, some time after its standard input has ended.
_SNIFF = """
import collections, json, select, socket, sys
door = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
door.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
door.bind(("far", 0))
print("ready", flush=True)
seen, ended = collections.Counter(), False
while True:
    ready, _, _ = select.select([door] if ended else [door, sys.stdin], [], [], float(sys.argv[1]) if ended else None)
    if ended and not ready:
        break
    ended = ended or sys.stdin in ready
    if door in ready:
        packet = door.recv(2048)
        kind = packet[12:14]
        family, protocol, ports = (4, packet[23], 34) if kind == b"\\x08\\x00" else (6, packet[20], 54)
        if kind in (b"\\x08\\x00", b"\\x86\\xdd") and protocol == 17:
            source, target = (int.from_bytes(packet[at : at + 2], "big") for at in (ports, ports + 2))
            if target == int(sys.argv[2]):
                seen[f"{family} {source} {packet[5]}"] += 1
print(json.dumps(seen))
"""

# Sends one packet from each port to each address, and prints what came back as an error: by family and port.
_SEND = """
import errno, json, select, socket, sys
ports, addresses, target, patience = json.loads(sys.argv[1])
doors = {}
for address in addresses:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in ports:
        door = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        level, receive_errors = (socket.IPPROTO_IPV6, 25) if family == socket.AF_INET6 else (socket.IPPROTO_IP, 11)
        door.setsockopt(level, receive_errors, 1)
        door.bind(("", port))
        door.connect((address, target))
        door.send(b"x")
        doors[door] = f"{6 if ':' in address else 4} {port}"
told = {}
while len(told) < len(doors):
    waiting = [door for door in doors if doors[door] not in told]
    ready, _, _ = select.select(waiting, [], [], patience)
    if not ready:
        break
    for door in ready:
        try:
            door.recv(100)
        except OSError as error:
            told[doors[door]] = errno.errorcode[error.errno]
print(json.dumps(told))
"""


# Sends packets in turn from each port to each address until its standard input ends, and prints how many of each.
_FLOOD = """
import collections, json, select, socket, sys
ports, addresses, target = json.loads(sys.argv[1])
doors, sent = {}, collections.Counter()
for address in addresses:
    for port in ports:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        door = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.bind(("", port))
        doors[f"{6 if ':' in address else 4} {port}"] = door, (address, target)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.0002)[0]:
    for name, (door, to) in doors.items():
        door.sendto(b"x", to)
        sent[name] += 1
print(json.dumps(sent))
"""

# Family and tag of a packet.
Sender = tuple[int, int]
_Result = TypeVar("_Result")


class Space:
    """Another network namespace, with a veth `name` to one in this one."""

    def __init__(self, near: str, name: str) -> None:
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        home = Path("/proc/self/ns/net").stat().st_ino
        while Path(f"/proc/{self.process.pid}/ns/net").stat().st_ino == home:
            time.sleep(0.01)
        self.enter = ("nsenter", "--net", "--target", str(self.process.pid))
        _run("ip", *f"link add {near} type veth peer name {name} netns {self.process.pid}".split())

    def batch(self, lines: list[str]) -> None:
        subprocess.run([*self.enter, "ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def _run(*command: str, text: str | None = None) -> str:
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stderr}"
    return run.stdout


class Router:
    """host: this namespace. What is in the main table leads to next hop MAIN."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._client, self._sink = Space("cable", "client"), Space("near", "far")

    def __enter__(self) -> Router:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        try:
            self._build(self._host)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()
        self._sink.close()

    def _build(self, host: Any) -> None:
        self._client.batch(
            [
                *("link set lo up", "link set client up"),
                *("addr add 198.18.1.2/24 dev client", "addr add fd00:18::2/64 dev client nodad"),
                *("route add default via 198.18.1.1", "route add ::/0 via fd00:18::1"),
            ]
        )
        self._sink.batch(["link set far up"])
        hops = [*range(1, 255), MAIN]
        host.batch(
            [
                # Without addresses that come by themselves, after a while.
                *("link set cable addrgenmode none up", "link set near addrgenmode none up"),
                *("addr add 198.18.1.1/24 dev cable", "addr add fd00:18::1/64 dev cable nodad"),
                *("addr add 10.60.0.0/16 dev near", "addr add fd00:60::/64 dev near nodad"),
                *(f"neigh add {hop_of(hop)} lladdr {_mac(hop)} dev near" for hop in hops),
                *(f"neigh add {hop_of(hop, 6)} lladdr {_mac(hop)} dev near" for hop in hops),
                *(
                    f"route add {DESTINATIONS[0]} via {hop_of(MAIN)}",
                    f"route add {DESTINATIONS[1]} via {hop_of(MAIN, 6)}",
                ),
            ]
        )
        for switch in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            host.set_switch(switch, "1")
        # Every refusal is to be answered, not a few of each second; 129 is an echo's reply. Of those in IPv4 a sender
        # gets five at once all the same, and one a second: that limit is the whole machine's.
        limits = {
            "ipv4/icmp_ratelimit": "0",
            "ipv4/icmp_ratemask": "0",
            "ipv6/icmp/ratelimit": "0",
            "ipv6/icmp/ratemask": "129",
        }
        for switch, value in limits.items():
            host.set_switch(switch, value)
        marks = ", ".join(f"{tag} : {tag << 24 | 0x1234:#x}" for tag in range(1, 256))
        chain = (
            f"chain tags {{ type filter hook prerouting priority mangle; meta mark set udp sport map {{ {marks} }}; }}"
        )
        _run("nft", "-f", "-", text=f"table inet tagging {{ {chain}\n}}\n")

    def send(self, tags: list[int]) -> tuple[dict[Sender, int], dict[Sender, str]]:
        """One packet of each tag in each family; 256: one without a mark. The next hop that each was sent to, and the
        errors that were answered."""
        said = json.dumps([tags, list(ADDRESSES.values()), SINK_PORT, 0.3])
        seen, told = self._sniffed(lambda: self.asked([sys.executable, "-c", _SEND, said]))
        hops: dict[Sender, int] = {}
        for sender, counts in seen.items():
            assert list(counts.values()) == [1], f"packets of {sender} to next hops: {counts}"
            (hops[sender],) = counts
        return hops, {_sender(line): error for line, error in told.items()}

    def keep_sending(
        self, tags: list[int], work: Callable[[], None]
    ) -> tuple[dict[Sender, dict[int, int]], dict[Sender, int]]:
        """Packets of each tag in each family as long as `work` lasts: how many came to which next hop, and how many
        were sent."""
        return self._sniffed(lambda: self._flood(tags, work))

    def _flood(self, tags: list[int], work: Callable[[], None]) -> dict[Sender, int]:
        said = json.dumps([tags, list(ADDRESSES.values()), SINK_PORT])
        command = [*self._client.enter, sys.executable, "-c", _FLOOD, said]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flood:
            assert flood.stdout is not None
            assert flood.stdout.readline() == "ready\n"
            work()
            sent, _error = flood.communicate()
        return {_sender(line): count for line, count in json.loads(sent).items()}

    def _sniffed(self, work: Callable[[], _Result]) -> tuple[dict[Sender, dict[int, int]], _Result]:
        seen, result = self.watched([sys.executable, "-c", _SNIFF, "0.3", str(SINK_PORT)], work)
        found: dict[Sender, dict[int, int]] = {}
        for line, count in seen.items():
            found.setdefault(_sender(line), {})[int(line.split()[2])] = count
        return found, result

    def asked(self, command: list[str]) -> Any:
        """What a program of the client prints, JSON."""
        return json.loads(_run(*self._client.enter, *command))

    def watched(self, command: list[str], work: Callable[[], _Result]) -> tuple[Any, _Result]:
        """What a program of the sink saw while others worked: it says that it is ready, and JSON once its standard
        input has ended."""
        enter = [*self._sink.enter, *command]
        with subprocess.Popen(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sniffer:
            assert sniffer.stdout is not None
            assert sniffer.stdout.readline() == "ready\n"
            result = work()
            seen, _error = sniffer.communicate()
        return json.loads(seen), result


def _sender(line: str) -> Sender:
    family, tag = line.split()[:2]
    return int(family), int(tag)


def hop_of(number: int, family: int = 4) -> str:
    """The next hop with this number."""
    return f"10.60.0.{number}" if family == 4 else f"fd00:60::{number:x}"


def _mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def ways(hop: int) -> list[Route]:
    """The routes of a network to both destinations."""
    return [Route(DESTINATIONS[0], hop_of(hop), "near", ""), Route(DESTINATIONS[1], hop_of(hop, 6), "near", "")]
