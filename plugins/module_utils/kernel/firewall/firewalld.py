# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""firewalld over D-Bus (busctl: 14 ms a call, firewall-cmd takes 300), and its files (firewalld.policy(5), direct(5)).

One reload, and only when a policy comes, changes or goes: firewalld takes policies from nowhere but its files. A
reload flushes iptables; Docker puts its rules back at firewalld's signal, and our nftables table is not touched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from ...model import state as kinds
from ...model.change import REMOVE, Change
from ...model.errors import KernelError
from ...model.firewall import DirectRule, FirewalldPolicy, ZoneInterface
from ...model.marks import FIREWALLD_CLAIM, FIREWALLD_POLICIES, FIREWALLD_POLICY
from ..programs import find, run
from . import firewalld_files as files

_NAME = "org.fedoraproject.FirewallD1"
_PATH = "/org/fedoraproject/FirewallD1"
_CONFIG = _PATH + "/config"

# What busctl says when nobody answers to firewalld's name, or when there is no bus.
_NOT_RUNNING = ("does not exist", "was not provided", "Failed to connect", "Failed to set bus address")

# What firewalld answers when a thing is already as it is wanted: to a removal also that it is in another zone.
_DONE = ("ALREADY_ENABLED", "ZONE_ALREADY_SET", "NOT_ENABLED", "UNKNOWN_INTERFACE")
_ELSEWHERE = (*_DONE, "ZONE_CONFLICT")


class Seen(NamedTuple):
    """running: firewalld answers. zones: names it knows from its files. faults: (subject, message)."""

    running: bool
    policies: tuple[FirewalldPolicy, ...] = ()
    entries: tuple[ZoneInterface, ...] = ()
    rules: tuple[DirectRule, ...] = ()
    zones: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()


def observe() -> Seen:
    """What is ours in firewalld. Where it is installed but does not run, what its files hold of ours."""
    texts = files.policies(FIREWALLD_POLICIES)
    mine = {name: xml for name, xml in texts.items() if FIREWALLD_CLAIM in xml}
    faults = tuple(
        (f"firewalld policy {name}", "exists and was not made by weft; remove or rename it")
        for name in texts
        if name not in mine
    )
    loaded = _loaded()
    claimed = files.claims(mine.get(FIREWALLD_POLICY, ""))
    return Seen(
        running=loaded is not None,
        policies=tuple(FirewalldPolicy(name, xml, name in (loaded or ())) for name, xml in sorted(mine.items())),
        entries=_entries(claimed, loaded is not None) if claimed else (),
        rules=_rules(loaded is not None),
        zones=files.zones(),
        faults=faults,
    )


def _loaded() -> tuple[str, ...] | None:
    """Names of the policies firewalld has loaded; None where it does not run."""
    if find("firewalld") is None or find("busctl") is None:
        return None
    try:
        return tuple(_call(_PATH, "policy", "getPolicies")[0])
    except KernelError as error:
        if any(words in error.reason for words in _NOT_RUNNING):
            return None
        if "Unknown" in error.reason:
            raise KernelError("firewalld", "is older than 0.9 and has no policies; update it, or stop it") from error
        raise


def _entries(claimed: frozenset[str], running: bool) -> tuple[ZoneInterface, ...]:
    """Our interface names in any zone: one that was moved to another zone is drift, and still ours."""
    permanent = {(zone, name) for zone, names in files.zone_interfaces().items() for name in names if name in claimed}
    active = _call(_PATH, "zone", "getActiveZones")[0] if running else {}
    runtime = {
        (zone, name) for zone, parts in active.items() for name in parts.get("interfaces", ()) if name in claimed
    }
    return tuple(
        ZoneInterface(zone, name, (zone, name) in permanent, (zone, name) in runtime)
        for zone, name in sorted(permanent | runtime)
    )


def _rules(running: bool) -> tuple[DirectRule, ...]:
    """Our rules among firewalld's direct ones. What is only in its memory is asked for only where a file has ours."""
    permanent = files.direct_rules()
    if not permanent:
        return ()
    runtime = set()
    if running:
        listed = _call(_PATH, "direct", "getAllRules")[0]
        runtime = {(family, table, chain, tuple(rest)) for family, table, chain, _priority, rest in listed}
    return tuple(rule._replace(runtime=tuple(rule[:4]) in runtime) for rule in permanent)


def apply(changes: Sequence[Change]) -> None:
    """Carry out changes of the kinds FIREWALLD_POLICY, ZONE and DIRECT; firewalld is reloaded once for a run."""
    running = _loaded() is not None
    for is_policy, group in groupby(changes, key=lambda change: change.kind == kinds.FIREWALLD_POLICY):
        for change in group:
            if is_policy:
                files.write_policy(change.key, None if change.action == REMOVE else change.after.xml)
            elif not running:
                _offline(change)
            elif change.kind == kinds.ZONE:
                _zone(change)
            else:
                _direct(change)
        if is_policy and running:
            _call(_PATH, "", "reload")


def _zone(change: Change) -> None:
    """An interface is in one zone only, so adding it takes it out of any other: the removal may come later."""
    entry: ZoneInterface = change.before if change.action == REMOVE else change.after
    name = entry.interface
    wanted = (False, False) if change.action == REMOVE else (entry.permanent, entry.runtime)
    holders = {zone for zone, names in files.zone_interfaces().items() if name in names}
    for zone in sorted(holders if wanted[0] else holders & {entry.zone}):
        if zone != entry.zone or not wanted[0]:
            _call(_zone_path(zone), "config.zone", "removeInterface", "s", name)
    if wanted[0] and entry.zone not in holders:
        _call(_zone_path(entry.zone), "config.zone", "addInterface", "s", name)
    if wanted[1]:
        _call(_PATH, "zone", "changeZoneOfInterface", "ss", entry.zone, name)
    else:
        _call(_PATH, "zone", "removeInterface", "ss", entry.zone, name)


def _zone_path(zone: str) -> str:
    path: str = _call(_CONFIG, "config", "getZoneByName", "s", zone)[0]
    return path


def _direct(change: Change) -> None:
    rule: DirectRule = change.before if change.action == REMOVE else change.after
    arguments = ("sssias", rule.family, rule.table, rule.chain, "0", str(len(rule.arguments)), *rule.arguments)
    keep = change.action != REMOVE
    for path, interface, wanted in (
        (_CONFIG, "config.direct", keep and rule.permanent),
        (_PATH, "direct", keep and rule.runtime),
    ):
        _call(path, interface, "addRule" if wanted else "removeRule", *arguments)


def _offline(change: Change) -> None:
    """firewalld is stopped: its own tool edits the files."""
    value = change.before if change.action == REMOVE else change.after
    verb = "remove" if change.action == REMOVE else "add"
    if isinstance(value, ZoneInterface):
        command = [f"--zone={value.zone}", f"--{verb}-interface={value.interface}"]
    else:
        command = ["--direct", f"--{verb}-rule", value.family, value.table, value.chain, "0", *value.arguments]
    run(f"{change.kind} {change.key}", ["firewall-offline-cmd", *command])


def _call(path: str, interface: str, method: str, *arguments: str) -> list[Any]:
    """One D-Bus call; what it returns, with the types taken off. Raises KernelError with firewalld's own word.

    firewalld is not started by being asked.
    """
    full = f"{_NAME}.{interface}" if interface else _NAME
    command = ["busctl", "--system", "--auto-start=no", "--timeout=50", "--json=short", "call"]
    try:
        text = run(f"firewalld {method}", [*command, "--", _NAME, path, full, method, *arguments])
    except KernelError as error:
        if any(word in error.reason for word in (_ELSEWHERE if method == "removeInterface" else _DONE)):
            return []
        raise
    data = json.loads(text)["data"] if text.strip() else []
    return [_plain(item) for item in data]


def _plain(value: Any) -> Any:
    """busctl writes a variant as {"type": ..., "data": ...}."""
    if isinstance(value, dict):
        if set(value) == {"type", "data"}:
            return _plain(value["data"])
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
