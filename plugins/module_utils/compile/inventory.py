# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The inventory as far as weft reads it: raw host variables in, typed hosts and every fault out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any, NamedTuple

from ..model.errors import Fault

OVERLAY = "overlay"
DEFAULT = "default"
MODES = (OVERLAY, DEFAULT)

# Host variables that are ours. Others in the inventory are none of our business.
VARIABLES = ("underlay_address", "runner_id", "overlay_mode")

# A host's variables by name, as the inventory has them.
Variables = Mapping[str, Any]


class Host(NamedTuple):
    """name: of the inventory. underlay: its address between the hosts, None when only the host can tell, "" when what
    the inventory says is no such address (a fault, told already).

    runner_id: pinned id, None: allocated. mode: OVERLAY or DEFAULT. address_at, id_at: where these are written.
    """

    name: str
    underlay: str | None = None
    runner_id: int | None = None
    mode: str = OVERLAY
    address_at: str = "inventory"
    id_at: str = "inventory"


class Inventory(NamedTuple):
    """The hub (None: there is none) and the runners in the order of their names. routers, nas, peers: names of the
    hosts in these groups, in order; a host may be in several."""

    hub: Host | None
    runners: tuple[Host, ...]
    routers: tuple[str, ...] = ()
    nas: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    def hosts(self) -> frozenset[str]:
        """Every host that weft manages."""
        members = (*self.runners, *([self.hub] if self.hub else []))
        return frozenset((*(host.name for host in members), *self.routers, *self.nas, *self.peers))


# Where a host's variable was written, "hosts.yml:12", by (host, variable); what is missing is just "inventory".
Places = Mapping[tuple[str, str], str]


class Others(NamedTuple):
    """The groups whose hosts have no variables of ours: names alone."""

    routers: Iterable[str] = ()
    nas: Iterable[str] = ()
    peers: Iterable[str] = ()


def read(
    hubs: Mapping[str, Variables],
    runners: Mapping[str, Variables],
    places: Places | None = None,
    others: Others | None = None,
) -> tuple[Inventory, list[Fault]]:
    """`hubs` and `runners` map host names to their variables. Returns what could be read, and all faults."""
    faults: list[Fault] = []
    places = places or {}
    read_hubs = [_host(name, hubs[name], places, faults) for name in sorted(hubs)]
    read_runners = [_host(name, runners[name], places, faults) for name in sorted(runners)]
    if len(read_hubs) > 1:
        names = " and ".join(hub.name for hub in read_hubs)
        faults.append(Fault("inventory", "hubs", f"{names} are both hubs; an overlay has one"))
    if read_runners and not read_hubs:
        faults.append(Fault("inventory", "hubs", "there are runners but no hub; put one host into the group hubs"))
    message = "is in hubs and in runners; a host is one or the other"
    faults += [Fault("inventory", name, message) for name in sorted(set(hubs) & set(runners))]
    faults += _shared_ids(read_runners)
    groups = (tuple(sorted(group)) for group in others or Others())
    return Inventory(read_hubs[0] if read_hubs else None, tuple(read_runners), *groups), faults


def _host(name: str, variables: Variables, places: Places, faults: list[Fault]) -> Host:
    def fault(variable: str, message: str) -> None:
        faults.append(Fault(places.get((name, variable), "inventory"), f"{name}: {variable}", message))

    for variable in variables:
        near = get_close_matches(variable, VARIABLES, n=1, cutoff=0.85)
        if near and variable not in VARIABLES:
            fault(variable, f"is not a variable of weft.overlay; did you mean {near[0]}?")
    written = "underlay_address" if "underlay_address" in variables else "ansible_host"
    return Host(
        name,
        _underlay(variables, fault),
        _runner_id(variables, fault),
        _mode(variables, fault),
        address_at=places.get((name, written), "inventory"),
        id_at=places.get((name, "runner_id"), "inventory"),
    )


def _underlay(variables: Variables, fault: Any) -> str | None:
    given = variables.get("underlay_address")
    if given is None:
        # Where Ansible connects to, when that is an address; a name is left to the host itself to answer.
        return reachable(variables.get("ansible_host"))
    if reachable(given) is None:
        what = "an address that another host can reach" if _is_address(given) else "an IPv4 or IPv6 address"
        fault("underlay_address", f"{given!r} is not {what}, as 192.0.2.11 is")
        return ""
    return reachable(given)


def _is_address(given: Any) -> bool:
    try:
        return isinstance(given, str) and bool(ip_address(given))
    except ValueError:
        return False


def reachable(given: Any) -> str | None:
    """The canonical text of an address that a host can have on an underlay; None for anything else."""
    if not _is_address(given):
        return None
    address = ip_address(given)
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local:
        return None
    return str(address)


def _runner_id(variables: Variables, fault: Any) -> int | None:
    given = variables.get("runner_id")
    if given is None:
        return None
    # Values from `-e` and INI inventories are text.
    text = str(given)
    if isinstance(given, bool) or not text.isascii() or not text.isdigit() or text != str(int(text)):
        fault("runner_id", f"{given!r} is not a whole number from 1")
        return None
    if int(text) == 0:
        fault("runner_id", "0 is the hub's own; runners count from 1")
        return None
    return int(text)


def _mode(variables: Variables, fault: Any) -> str:
    given = variables.get("overlay_mode", OVERLAY)
    if given in MODES:
        return str(given)
    fault("overlay_mode", f"{given!r} is not a mode; it is one of {', '.join(MODES)}")
    return OVERLAY


def _shared_ids(runners: list[Host]) -> list[Fault]:
    faults: list[Fault] = []
    holder: dict[int, str] = {}
    for runner in runners:
        if runner.runner_id is None:
            continue
        if runner.runner_id in holder:
            both = f"{holder[runner.runner_id]} and {runner.name}"
            faults.append(Fault(runner.id_at, f"runner_id {runner.runner_id}", f"{both} are both pinned to it"))
        holder.setdefault(runner.runner_id, runner.name)
    return faults
