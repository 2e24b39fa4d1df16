# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What has to work before anything is measured: every interface, every family, and iperf3's port."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from ...kernel.programs import run
from ...measure import iperf
from ...measure.ping import round_trips
from ...measure.schedule import Path, Target
from ...measure.work import PAYLOAD, Settings
from ...model.errors import Fault, KernelError, MeasureError
from .client import load, ping

_PINGS = 3
# Headers of an echo request: IPv4 or IPv6, and ICMP.
_HEADERS = {4: 28, 6: 48}
# A session that carries traffic shakes hands every two minutes, and is dead after three (WireGuard, section 6.1).
_HANDSHAKE = 180


def check(targets: Sequence[Target], settings: Settings) -> dict[str, Any]:
    """{interface: {mtu, handshake}}: bytes of the client's link, and the age of the latest handshake in seconds.

    Raises MeasureError with every fault of every interface.
    """
    found, faults = {}, []
    for target in targets:
        try:
            found[target.interface] = _one(target, settings)
        except KernelError as error:
            faults.append(Fault("interfaces", target.interface, error.reason))
    if faults:
        raise MeasureError(tuple(faults))
    return found


def _one(target: Target, settings: Settings) -> dict[str, Any]:
    paths = [path for path in (target.ipv4, target.ipv6) if path is not None]
    if not paths:
        raise KernelError(target.link, "has no address in a family that the server has too; run site.yml")
    mtu = int(json.loads(run(target.link, ["ip", "-j", "link", "show", "dev", target.link]))[0]["mtu"])
    for path in paths:
        _check_route(target, path)
        _check_answer(target, path)
    age = _handshake(target)
    if age is None or age > _HANDSHAKE:
        raise KernelError(target.link, f"answers, but not through the tunnel: its latest handshake was {_ago(age)}")
    for path in paths:
        _check_size(target, path, mtu)
    _check_port(target, paths[0], settings)
    return {"mtu": mtu, "handshake": age}


def _check_route(target: Target, path: Path) -> None:
    way = json.loads(run(target.link, ["ip", "-j", "route", "get", path.server, "from", path.client]))[0]["dev"]
    if way != target.link:
        raise KernelError(target.link, f"the way to {path.server} leads through {way}, not through {target.link}")


def _check_answer(target: Target, path: Path) -> None:
    if not _answers(target, path, ()):
        reason = f"{path.server} does not answer; the latest handshake of {target.link} was {_ago(_handshake(target))}"
        raise KernelError(target.link, f"{reason}; is {target.server} up, and its port open to this host?")


def _check_size(target: Target, path: Path, mtu: int) -> None:
    size = mtu - _HEADERS[6 if ":" in path.server else 4]
    if not _answers(target, path, ("-M", "do", "-s", str(size))):
        reason = f"packets of {mtu} bytes, the MTU of {target.link}, do not come through to {path.server}"
        raise KernelError(target.link, f"{reason}; lower the mtu of {target.interface} in the intent")


def _check_port(target: Target, path: Path, settings: Settings) -> None:
    """One second of a few packets: it needs iperf3's TCP connection and its UDP packets."""
    gentle = settings._replace(seconds=1)
    try:
        with load(target.link, path, gentle, ("-u", "-b", "500K", "-l", str(PAYLOAD))) as running:
            arrived = iperf.udp(running.end((0, 1)), target.link)["received"]
    except KernelError as error:
        raise KernelError(target.link, _refused(target, path, settings, f"port {settings.port} of", error)) from error
    if not arrived:
        raise KernelError(target.link, _refused(target, path, settings, f"UDP port {settings.port} of", None))


def _refused(target: Target, path: Path, settings: Settings, what: str, error: KernelError | None) -> str:
    told = f" ({error.reason})" if error else ""
    return (
        f"{what} {path.server} is not reached through {target.link}{told}. The client's profile needs lan: true, and "
        f"{target.server}'s own firewall has to accept TCP and UDP {settings.port} on {target.interface}; "
        "weft_benchmark_port takes another"
    )


def _answers(target: Target, path: Path, options: tuple[str, ...]) -> bool:
    # 2: it could not send at all, which is no answer either
    with ping(target.link, path, _PINGS, 0.2, options) as running:
        return any(time is not None for time in round_trips(running.end((0, 1, 2)), _PINGS))


def _handshake(target: Target) -> int | None:
    """Seconds since the latest handshake with the server, None: never."""
    for line in run(target.link, ["wg", "show", target.link, "latest-handshakes"]).splitlines():
        key, at = line.split("\t")
        if key == target.server_key and int(at):
            return max(0, int(time.time()) - int(at))
    return None


def _ago(age: int | None) -> str:
    return "never" if age is None else f"{age} s ago"
