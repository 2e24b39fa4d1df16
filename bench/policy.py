# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a packet costs that a host forwards: as the kernel does it by itself, and with so many rules in between.

All ways of one size of policy stand side by side, a host each, and get the same frames in turn, a few milliseconds at a
time. Of every call that sends 256 of them the time is taken; a round's figure is the median of its calls, less what the
sender needs by itself: frames that the host drops as soon as it sees them, sent in the same round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import pack
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import FORWARDS

from . import policy_load
from .machine import inside
from .policy_domain import LEFT_MAC, NEXT_MAC, Domain
from .policy_host import Host, add_iptables, add_nft, add_programs, add_tables, bpffs, without_tcx
from .policy_sender import Frames, alone

RULES, NETWORKS = (10, 1_000, 10_000, 100_000), (1, 100, 1_000)
# Beyond that a packet takes half a millisecond.
_MOST_LINEAR = 10_000
_BAR_RULES, _BAR_NETWORKS = 10_000, 1_000

PLAIN, OURS, TABLES, PAST, CLSACT = "plain", "policy", "policy, tables", "past", "past, clsact"
NFT, IPTABLES = "nft", "iptables"
KNOWN, FIRST = "known", "first"
_FLOWS, _NEW_FLOWS, _EACH, _CALLS = 1024, 1 << 17, 256, 8
# Of what takes longer, less.
_SLOW = 32

_COLUMNS = (
    ("kernel alone", PLAIN, KNOWN),
    ("policy: known flow", OURS, KNOWN),
    ("first packet", OURS, FIRST),
    ("policy and tables: known flow", TABLES, KNOWN),
    ("first packet", TABLES, FIRST),
    ("past the stack: known flow", PAST, KNOWN),
    ("first packet", PAST, FIRST),
    ("by clsact: known flow", CLSACT, KNOWN),
    ("first packet", CLSACT, FIRST),
    ("nft map", NFT, KNOWN),
    ("iptables, linear", IPTABLES, KNOWN),
)

WORDS = """\
## Policies

CPU nanoseconds for each packet that a host forwards from one veth to another, without what the sender and the receiver
cost (the same for all), and in brackets how many times as much that is as what the kernel alone needs for the same
frames. 1 024 flows, each let through by a rule of its own choice, in turn; and packets of which each is the first one
of its flow. Every way has a host of its own beside the others, on one processor that does nothing else meanwhile.
Policy: our programs at both links, by TCX where the kernel has it (6.6). Tables: a routing table for each network, and
the rules that lead there; a host has 254 networks at most, and the frames are of those. Past the stack: the same, on
links with the flag FORWARDS; by clsact: and with the programs there, as on older kernels. Rules are compiled from a
domain in which each lets in one peer by one UDP port. nft map: one map of verdicts by addresses, protocol and port.
iptables: a rule of FORWARD each (legacy, the faster one), where a packet passes half of them on average.
"""


class Figures(NamedTuple):
    """rows: (what, median, ratio, bar, kept). table: lines of the page."""

    rows: list[tuple[str, str, str, str, bool]]
    table: list[str]


def figures(rounds: int) -> Figures:
    lines = ["| rules | networks | " + " | ".join(title for title, _way, _kind in _COLUMNS) + " |"]
    lines.append("| --- | --- " + "| --- " * len(_COLUMNS) + "|")
    bar: list[tuple[str, str, str, str, bool]] = []
    for rules in RULES:
        for networks in NETWORKS:
            found = inside(lambda size=(rules, networks): _measure(*size, rounds))  # type: ignore[misc]
            cells = [_cell(found, way, kind) for _title, way, kind in _COLUMNS]
            lines.append(f"| {_count(rules)} | {_count(networks)} | {' | '.join(cells)} |")
            if (rules, networks) == (_BAR_RULES, _BAR_NETWORKS):
                bar = _bar_rows(found)
    return Figures([*policy_load.rows(rounds), *bar], lines)


def _bar_rows(found: Mapping[str, float]) -> list[tuple[str, str, str, str, bool]]:
    size = f"{_count(_BAR_RULES)} rules, {_count(_BAR_NETWORKS)} networks"
    ratios = {way: found[f"{way}, {KNOWN}, ratio"] for way in (TABLES, PAST, CLSACT)}
    nanoseconds = {way: f"{found[f'{way}, {KNOWN}']:.0f} ns" for way in (PLAIN, TABLES, PAST, CLSACT)}
    what = f"a policed and routed one of a known flow: {size}"
    return [
        ("a packet that the kernel alone forwards", nanoseconds[PLAIN], "1", "", True),
        (f"{what}, through the stack", nanoseconds[TABLES], f"{ratios[TABLES]:.2f}", "", True),
        (f"{what}, past it", nanoseconds[PAST], f"{ratios[PAST]:.2f}", "1×", ratios[PAST] <= 1),
        (f"{what}, past it, by clsact", nanoseconds[CLSACT], f"{ratios[CLSACT]:.2f}", "", True),
    ]


def _measure(rules: int, networks: int, rounds: int) -> dict[str, float]:
    """Nanoseconds by way and kind of frames, and their ratios to the kernel's alone."""
    domain = Domain(rules, networks)
    hosts = _hosts(domain)
    some, fresh = domain.packets(_FLOWS, fresh=False), domain.packets(_NEW_FLOWS, fresh=True)
    frames = {KNOWN: Frames(some, _EACH), FIRST: Frames(fresh, _EACH)}
    slow = {KNOWN: Frames(some, _SLOW)}
    wrong, right = (bytes.fromhex(mac.replace(":", "")) for mac in (NEXT_MAC, LEFT_MAC))
    dropped = Frames([frame.replace(right, wrong, 1) for frame in some], _EACH)
    taken = [_round(hosts, frames, slow, dropped) for _turn in range(rounds + 1)][1:]
    found = {name: median(one[name] for one in taken) for name in taken[0]}
    for name in list(found):
        plain = f"{PLAIN}, {name.rpartition(', ')[2]}"
        found[f"{name}, ratio"] = median(one[name] / one[plain] for one in taken)
    for host in hosts.values():
        host.close()
    return found


def _hosts(domain: Domain) -> dict[str, Host]:
    folder, maps = bpffs(), domain.maps()
    tables = pack(maps)

    def tabled(host: Host, name: str = "tables", flags: int = 0) -> None:
        add_programs(host, f"{folder}/{name}", maps, tables, flags)
        add_tables(host, domain)

    def by_clsact(host: Host) -> None:
        with without_tcx():
            tabled(host, "clsact", FORWARDS)

    ways: dict[str, Callable[[Host], None]] = {
        PLAIN: lambda _host: None,
        OURS: lambda host: add_programs(host, f"{folder}/policy", maps, tables),
        TABLES: tabled,
        PAST: lambda host: tabled(host, "past", FORWARDS),
        CLSACT: by_clsact,
        NFT: lambda host: add_nft(host, domain),
    }
    if domain.rules <= _MOST_LINEAR:
        ways[IPTABLES] = lambda host: add_iptables(host, domain)
    found = {}
    for number, (way, add) in enumerate(ways.items()):
        found[way] = Host(domain, number)
        add(found[way])
    return found


def _round(
    hosts: Mapping[str, Host], frames: Mapping[str, Frames], slow: Mapping[str, Frames], dropped: Frames
) -> dict[str, float]:
    found = {}
    with alone():
        sender = median(dropped.send(hosts[PLAIN].source, _CALLS))
    for way, host in hosts.items():
        for kind, some in (slow if way == IPTABLES else frames).items():
            found[f"{way}, {kind}"] = _burst(host, some, kind == KNOWN and way != IPTABLES) - sender
    return found


def _burst(host: Host, frames: Frames, again: bool) -> float:
    """Nanoseconds for a frame. again: what is counted is not the first that there is of these flows. Raises
    RuntimeError where not all of them come out."""
    before = host.delivered()
    with alone():
        # The second one of a flow makes it known.
        calls = 2 * frames.count // frames.each if again else 0
        frames.send(host.source, calls)
        times = frames.send(host.source, _CALLS)
    sent, came = (calls + len(times)) * frames.each, host.delivered() - before
    if came != sent:
        raise RuntimeError(f"{came} of {sent} frames came out")
    return median(times)


def _cell(found: Mapping[str, float], way: str, kind: str) -> str:
    name = f"{way}, {kind}"
    if name not in found:
        return ""
    ratio = "" if way == PLAIN else f" ({found[f'{name}, ratio']:.2f})"
    return f"{_count(round(found[name]))}{ratio}"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")
