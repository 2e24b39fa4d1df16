# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What weft owns on one host, as values by kind and key; and what else was seen there."""

from __future__ import annotations

from typing import Any, NamedTuple

from .docker import SeenNetwork
from .firewall import Refusal
from .link import ForeignLink
from .origin import Around
from .route import ForeignRoute
from .rule import ForeignRule
from .wireguard import Keys

RULESET = "ruleset"
FIREWALLD_POLICY = "firewalld policy"
ZONE = "zone interface"
DIRECT = "firewalld direct rule"
POLICY = "policy"
POLICED = "policed interface"
LINK = "link"
DEVICE = "wireguard device"
PEER = "wireguard peer"
CLIENT = "client"
ADDRESS = "address"
ROUTE = "route"
RULE = "routing rule"
SYSCTL = "sysctl"
ORIGIN = "original"
FILE = "file"
PROGRAM = "program"
SERVICE = "service"
# Not of any plan: looked for only where weft is to leave a host.
NETWORK = "Docker network"
TRACE = "left behind"

KINDS = (
    *(RULESET, FIREWALLD_POLICY, ZONE, DIRECT),
    *(POLICY, POLICED),
    *(LINK, DEVICE, PEER, ADDRESS, ROUTE, RULE, SYSCTL),
    *(ORIGIN, CLIENT, FILE, PROGRAM, SERVICE),
    *(NETWORK, TRACE),
)
# In the reach of a transaction: it can be undone.
PLANNED = tuple(kind for kind in KINDS if kind not in (NETWORK, TRACE))

# kind -> key -> value (a NamedTuple of this room that has key()). A kind that is missing is an empty one.
State = dict[str, dict[str, Any]]


def state_of(objects: dict[str, tuple[Any, ...]]) -> State:
    """Index values by their own keys: {"link": (Link(...), ...)} -> {"link": {"vxlan0": Link(...)}}."""
    return {kind: {value.key(): value for value in values} for kind, values in objects.items()}


class Capabilities(NamedTuple):
    """What this host can do. dummy: its kernel has dummy devices. firewall: FIREWALLD, IPTABLES_NFT,
    IPTABLES_LEGACY or NONE. docker: a Docker daemon answers. wanting: commands, and Python packages for the modules of
    community.docker, that weft needs here and that are not installed. wireguard: its kernel has WireGuard.
    tools: those of wg, wireguard-go, qrencode, openssl and libbpf (the library) that are installed. unable: what it
    lacks for policies, in words; None: nobody asked, because that takes time. gates: its bridges can keep ports
    closed. ipv6: its kernel has IPv6."""

    dummy: bool
    firewall: str
    docker: bool = False
    wanting: tuple[str, ...] = ()
    wireguard: bool = False
    tools: tuple[str, ...] = ()
    unable: tuple[str, ...] | None = None
    gates: bool = False
    ipv6: bool = True


class Uplink(NamedTuple):
    """An address of the host itself, not ours: `198.18.0.10/24`, its link and that link's MTU in bytes."""

    address: str
    link: str
    mtu: int


class Foreign(NamedTuple):
    """What is not ours and is therefore never touched, as far as it could stand in our way.

    clients: addresses from which somebody is logged in over ssh right now.
    refusals: of forwarding, ahead of our own accept. zones: firewalld's, empty where it does not run.
    faults: what an adapter found that blocks us and that only it can tell, as (subject, message).
    pools: networks that Docker may take its next subnets from.
    ports: UDP ports that sockets not of our WireGuard devices are bound to.
    routes: of the main table. tables: in those that are ours by their numbers. rules: all, the kernel's own among them.
    hooks: links of ours where somebody else is before us at traffic control, or in our place, and what is there; looked
    for only where there is a policy, or is to be.
    """

    links: tuple[ForeignLink, ...] = ()
    routes: tuple[ForeignRoute, ...] = ()
    uplinks: tuple[Uplink, ...] = ()
    networks: tuple[SeenNetwork, ...] = ()
    pools: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    zones: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    ports: tuple[int, ...] = ()
    tables: tuple[ForeignRoute, ...] = ()
    rules: tuple[ForeignRule, ...] = ()
    hooks: tuple[tuple[str, str], ...] = ()


class Observed(NamedTuple):
    """One look at a host. now: its clock, Unix time. keys: the public side of the keys it keeps. around: what of others
    a plan may come to write into."""

    capabilities: Capabilities
    state: State
    foreign: Foreign
    now: int = 0
    keys: Keys = Keys()
    around: Around = Around()
