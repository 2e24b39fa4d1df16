"""The WireGuard plane that molecule/wireguard builds: who its clients are, with what file, and what they may reach."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from . import clients, reach, wg
from .paths import RUN, TREE, host_file
from .reach import ICMP, TCP, Case, Destination
from .runs import Inventory
from .shell import LabError

SOURCE = os.path.join(TREE, "molecule", "wireguard", "inventory")
MEMBERS = ("hub", "runner1", "runner2", "router", "nas1", "peer1")
ROUTER_WAN = ("198.19.0.1", "2001:2:0:19::1")

LAN = tuple(f"lan{number}" for number in range(1, 8))
NET = tuple(f"net{number}" for number in range(1, 7))
FULL = tuple(f"full{number}" for number in range(1, 8))
ON_ROUTER = (*LAN, *NET, *FULL)
ON_NAS = tuple(f"bench{number}" for number in range(1, 16))

# A client whose server has forgotten their session notices after 15 s without an answer (WireGuard's KEEPALIVE_TIMEOUT
# and REKEY_TIMEOUT), and shakes hands again.
SESSION_LOST = 25.0

_SITE = [(name, protocol) for name in ("lan", "nas", "router", "tunnel") for protocol in (ICMP, TCP)]
_INTERNET = [("internet", ICMP), ("internet", TCP)]
# By profile. Whatever that is, a client may ping the server at its address in the tunnel.
MAY_REACH = {
    "lan-only": frozenset(_SITE),
    "internet-only": frozenset([*_INTERNET, ("tunnel", ICMP)]),
    "full": frozenset([*_SITE, *_INTERNET, ("other", ICMP), ("other", TCP)]),
}


def inventory() -> Inventory:
    """The scenario's inventory as the effects edit it. It goes with the lab, the ledger in it too."""
    return Inventory(os.path.join(RUN, "wireguard"), SOURCE, MEMBERS)


def server_of(client: str) -> str:
    """The host that keeps the client's file."""
    return next((name for name in ("nas1", "router") if os.path.exists(_conf_path(name, client))), "router")


def _conf_path(server: str, client: str) -> str:
    return host_file(server, f"/var/lib/weft/clients/{client}/{client}.conf")


def conf(client: str) -> str:
    """The client's file, as its server keeps it. Raises LabError where there is none."""
    try:
        with open(_conf_path(server_of(client), client), encoding="utf-8") as text:
            return text.read()
    except FileNotFoundError:
        raise LabError(f"no server has a configuration of {client}") from None


def confs(names: Iterable[str]) -> dict[str, str]:
    return {name: conf(name) for name in names}


def widened(text: str) -> str:
    """The configuration of a client that sends everything into its tunnel, whatever it was given."""
    return wg.with_setting(text, "AllowedIPs", "0.0.0.0/0, ::/0")


def start(*names: str) -> None:
    """Bring these clients up with the files that their servers keep now, and wait until all have shaken hands."""
    clients.start_all(confs(names))
    shake(*names)


def ensure(*names: str) -> None:
    """start() of those that do not run."""
    missing = [name for name in names if name not in clients.running()]
    if missing:
        start(*missing)


def inside(name: str) -> Destination:
    """The addresses in its tunnel of a client that runs, "" where it has none."""
    own = [address.partition("/")[0] for address in wg.setting(clients.given(name), "Address")]
    return Destination(*(next((one for one in own if (":" in one) == six), "") for six in (False, True)))


def gateway(name: str) -> Destination:
    """Its server's addresses in the tunnel: the first ones of the networks that the client's own are in."""
    four, six = inside(name)[:2]
    return Destination(four.rpartition(".")[0] + ".1" if four else "", six.rpartition(":")[0] + ":1" if six else "")


def shake(*names: str, wait: float = SESSION_LOST) -> None:
    """Ping each one's server through the tunnel until it answers. Raises LabError naming those that get no answer."""
    to = {name: gateway(name) for name in names}
    cases = [Case(n, n, family, ICMP) for n in names for family in reach.FAMILIES if getattr(to[n], family)]
    silent = sorted({case.client for case, answer in reach.ask(cases, to, wait).items() if answer is None})
    if silent:
        raise LabError(f"no answer through the tunnel to {', '.join(silent)}")


@contextmanager
def calling(*names: str) -> Iterator[None]:
    """These go on calling their servers, that may be away in the body, and all have to be answered in the end.

    Who calls all the time finds out that its server has forgotten the session while the server is still being built."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        job = pool.submit(shake, *names, wait=120)
        yield
        job.result()


def destinations(other: str) -> dict[str, Destination]:
    """Of the truth table of wg0. other: a client that answers the other clients. tunnel: the server, in the tunnel."""
    reach.serve()
    return {**reach.destinations(), "tunnel": gateway(other), "other": reach.listen(other)}


def may_reach(name: str) -> frozenset[tuple[str, str]]:
    """By the profile that its file tells of."""
    (profile,) = re.findall(r"(?m)^# profile: (\S+)$", conf(name))
    return MAY_REACH[profile]


def faults(names: Iterable[str], other: str) -> list[str]:
    """What is wrong with the truth table of these clients of the router, all of which send everything into their
    tunnels; also what reached its destination with another address than it should have there."""
    listed = list(names)
    to = {**destinations(other), "wan": Destination(*ROUTER_WAN)}  # the server's addresses outside are nobody's
    found = reach.table(listed, to)
    lines = reach.wrong(found, {name: may_reach(name) for name in listed})
    for case, answer in found.items():
        if answer and case.protocol == TCP:
            own = getattr(inside(case.client), case.family)
            seen_as = ROUTER_WAN[case.family == reach.IPV6] if case.destination == "internet" else own
            if answer != seen_as:
                lines.append(f"{case.destination} saw {answer} instead of {seen_as} ({case.client})")
    return lines


@contextmanager
def sending_everything(*names: str) -> Iterator[None]:
    """Clients that widen their own AllowedIPs to everything; afterwards they have the files that they were given."""
    clients.start_all({name: widened(conf(name)) for name in names})
    shake(*names)
    try:
        yield
    finally:
        start(*names)
