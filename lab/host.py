"""The hosts of the lab as values: name, kind, addresses and firewall flavour."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
from typing import NamedTuple

from .paths import HOSTS, host_dir
from .shell import LabError

UNDERLAY, WAN = "198.18.0", "198.19.0"
# The WAN plays the internet: its addresses are of the benchmark ranges (RFC 2544, RFC 5180), not private ones.
UNDERLAY6, WAN6 = "fd00:18:", "2001:2:0:19:"
# Two networks of a provider, where the VPN clients are (lab/clients.py); `road` is the provider's router.
HOME, MOBILE = ("198.19.1", "2001:2:0:1a:"), ("198.19.2", "2001:2:0:1b:")
CONTROLLER = 254

# firewalld: running, nftables back end.  iptables-nft, iptables-legacy: firewalld purged, that back end selected.
# none: neither firewalld, iptables nor Docker installed.
FLAVOURS = ("firewalld", "iptables-nft", "iptables-legacy", "none")
RUNNER_FLAVOURS = {1: "firewalld", 2: "iptables-nft", 3: "iptables-legacy", 4: "firewalld"}


class Host(NamedTuple):
    """One lab host. `kind` is its inventory group; `address` is its IPv4 address on its first network (host0)."""

    name: str
    kind: str
    address: str
    firewall: str

    @property
    def on_wan(self) -> bool:
        return self.kind in {"outside", "peers"}

    @property
    def address6(self) -> str:
        """The IPv6 address that goes with the IPv4 one: the same last number, written with the same digits."""
        return f"{WAN6 if self.on_wan else UNDERLAY6}:{self.address.rpartition('.')[2]}"

    @property
    def has_docker(self) -> bool:
        return self.kind == "runners"


FIXED = (
    Host("hub", "hubs", f"{UNDERLAY}.10", "firewalld"),
    Host("router", "routers", f"{UNDERLAY}.1", "none"),
    Host("nas1", "nas", f"{UNDERLAY}.2", "none"),
    Host("internet", "outside", f"{WAN}.200", "none"),
    Host("road", "outside", f"{WAN}.100", "none"),
    Host("peer1", "peers", f"{WAN}.50", "none"),
)


def runner(number: int) -> Host:
    if not 1 <= number <= 200:
        raise LabError(f"runner{number}: the lab's underlay has room for runner1 to runner200")
    return Host(f"runner{number}", "runners", f"{UNDERLAY}.{10 + number}", RUNNER_FLAVOURS.get(number, "iptables-nft"))


def by_name(name: str) -> Host:
    """The host that a name stands for before anything about it was changed. Raises LabError for other names."""
    for host in FIXED:
        if host.name == name:
            return host
    match = re.fullmatch(r"runner([1-9][0-9]{0,2})", name)
    if not match:
        raise LabError(f"{name}: not a lab host; there are {', '.join(h.name for h in FIXED)} and runner1, runner2, …")
    return runner(int(match.group(1)))


def with_firewall(host: Host, flavour: str) -> Host:
    if flavour not in FLAVOURS:
        raise LabError(f"{host.name}: firewall {flavour!r} is not one of {', '.join(FLAVOURS)}")
    if host.has_docker and flavour == "none":
        raise LabError(f"{host.name}: Docker needs iptables; a runner's firewall is one of {', '.join(FLAVOURS[:3])}")
    return host._replace(firewall=flavour)


def with_address(host: Host, address: str) -> Host:
    """The host at another address of its own network. Raises LabError if the address is not there or is taken."""
    network = ipaddress.IPv4Network(f"{WAN if host.on_wan else UNDERLAY}.0/24")
    try:
        inside = ipaddress.IPv4Address(address) in network
    except ValueError:
        inside = False
    if not inside or address.rpartition(".")[2] in ("0", "255", str(CONTROLLER)):
        raise LabError(f"{host.name}: {address} is not a free address of {network}")
    for other in saved():
        if other.name != host.name and other.address == address:
            raise LabError(f"{host.name}: {address} is the address of {other.name}")
    return host._replace(address=address)


def save(host: Host) -> None:
    os.makedirs(host_dir(host.name), exist_ok=True)
    path = os.path.join(host_dir(host.name), "host.json")
    with open(path + ".new", "w", encoding="utf-8") as out:
        json.dump(host._asdict(), out)
    os.replace(path + ".new", path)


def saved() -> list[Host]:
    """Every host that `up` or `add` made, in a stable order: fixed ones first, then runners by number."""
    found = []
    for name in os.listdir(HOSTS) if os.path.isdir(HOSTS) else ():
        try:
            with open(os.path.join(host_dir(name), "host.json"), encoding="utf-8") as text:
                found.append(Host(**json.load(text)))
        except FileNotFoundError:  # `up` ended before it was written: not a host yet
            continue
    order = [host.name for host in FIXED]
    return sorted(found, key=lambda h: (order.index(h.name), "") if h.name in order else (len(order), h.name.zfill(12)))


def load(name: str) -> Host:
    for host in saved():
        if host.name == name:
            return host
    names = ", ".join(host.name for host in saved())
    raise LabError(f"{name} is not in the lab; it has {names or 'no hosts: run `up` first'}")


def forget(name: str) -> None:
    shutil.rmtree(host_dir(name))
