# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of a benchmark, made up: figures that can be recognised, and circumstances like those of real hosts."""

from __future__ import annotations

from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.measure import work
from ansible_collections.weft.overlay.plugins.module_utils.measure.result import Result

SETTINGS = {
    **work.Settings(10, 100, 0.02, 5201)._asdict(),
    "client": "bench1",
    "rounds": 3,
    "seed": 1,
    "baseline": "wg1",
    "payload": 64,
    "congestion": "cubic",
    "flows": [1, 8],
}


def usage(seconds: float, busy: float, process: float | None = None) -> dict[str, Any]:
    resident = None if process is None else 16 * 1024 * 1024
    return {"seconds": seconds, "busy": busy, "stolen": 0.0, "process": process, "resident": resident}


def host(boot: str, implementation: str) -> dict[str, Any]:
    link = {"implementation": implementation, "mtu": 1420, "threads": None, "offloads": ["scatter-gather"]}
    link.update({"underlay": "eth0", "overhead": 80})
    machine = {"kernel": "6.1.0-37-amd64", "boot": boot, "processors": 4, "underlays": {"eth0": {"mtu": 1500}}}
    return {**machine, "links": {"wg1": link, "wg2": dict(link)}}


def samples(interface: str, number: int, megabits: float, process: float | None = None) -> list[dict[str, Any]]:
    """All works of one interface in one round; process: of wireguard-go, None: the kernel does it."""
    moved = {"bytes": int(megabits * 1e6 * 10 / 8), "seconds": 10.0, "retransmits": 0, "intervals": []}
    figures: dict[str, dict[str, Any]] = {
        work.IDLE_IPV4: {"rtt_ms": [1.0, 2.0, 3.0, None]},
        work.IDLE_IPV6: {"rtt_ms": [1.5, 2.5, 3.5, 4.5]},
        work.TCP_ONE: {
            **moved,
            "bits_per_second": megabits * 1e6,
            "rtt_ms": [5.0, 6.0],
            "cookie": f"{interface}-{number}-1",
        },
        work.TCP_EIGHT: {
            **moved,
            "bits_per_second": megabits * 2e6,
            "rtt_ms": [7.0, 9.0],
            "cookie": f"{interface}-{number}-8",
        },
        work.UDP_SMALL: {"sent": 1000000, "received": 750000, "seconds": 10.0, "cookie": f"{interface}-{number}-u"},
    }
    return [
        {
            "round": number,
            "interface": interface,
            "work": name,
            "at": 1795264910.0 + number,
            "figures": found,
            "client": usage(10.0, 20.0, process),
            "server": usage(10.0, 30.0, process) if "cookie" in found else None,
        }
        for name, found in figures.items()
    ]


def result(first: list[float], second: list[float], **changes: Any) -> Result:
    """wg1 (kernel) and wg2 (wireguard-go) with these megabits per second of one flow in each round."""
    taken = [
        sample
        for number, pair in enumerate(zip(first, second), start=1)
        for sample in [*samples("wg1", number, pair[0]), *samples("wg2", number, pair[1], 8.0)]
    ]
    interfaces = {
        name: {"server": "nas1", "link": f"bench-{name}", "mtu": 1420, "handshake": 3, "ipv4": None, "ipv6": None}
        for name in ("wg1", "wg2")
    }
    whole = Result(
        started="2026-11-21T12:41:50+00:00",
        finished="2026-11-21T12:49:03+00:00",
        settings={**SETTINGS, "rounds": len(first)},
        interfaces=interfaces,
        left_out=[["wg3", "bench1 is no peer of wg3"]],
        plans={"nas1": "0" * 64, "bench1": "1" * 64},
        environment={"bench1": host("a", "kernel"), "nas1": host("b", "kernel")},
        schedule=[["wg1", "wg2"], ["wg2", "wg1"], ["wg1", "wg2"]][: len(first)],
        faults=[],
        samples=taken,
    )
    return whole._replace(**changes)
