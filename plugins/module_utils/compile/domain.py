# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From intent, inventory, ledger and facts to a plan for every host: pure, and the only way there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..intent.client import Client
from ..intent.domain import Intent
from ..intent.server import NAS, ROUTER
from ..model.errors import Fault
from ..model.plan import PEER, HostPlan
from ..model.policy import PolicyMaps
from .access import internal_of
from .deciding import service_of
from .guard import vanished_domain, vanished_keys, vanished_overlay
from .inventory import Inventory
from .keys import KeysWanted, all_shaken, gathered
from .leaving import departing_faults, without
from .ledger import Ledger, LinkEntry
from .membership import identity_faults, membership_faults
from .merge import Part, merged
from .policy.places import Site
from .policy.policing import policing
from .sending import sending
from .service import Service
from .spokes import compile_overlay
from .twins import crowd_of, homes_of
from .wireguard import client_part, server_part
from .world import Findings, Run, World


class Compiled(NamedTuple):
    """plans: by host name, for every host that the intent is about. notes: for the reader. With faults, plans is not
    whole. keys_wanted: by host, keys to be made before the plans can be carried out; UNMADE stands for them there.
    policy: of the whole domain, None: it has no networks."""

    plans: dict[str, HostPlan]
    ledger: Ledger
    notes: tuple[str, ...]
    faults: tuple[Fault, ...]
    keys_wanted: Mapping[str, KeysWanted] = MappingProxyType({})
    policy: PolicyMaps | None = None


def compile_domain(intent: Intent, inventory: Inventory, ledger: Ledger, run: Run) -> Compiled:
    """Plans for every host. The same arguments give the same plans, byte for byte."""
    world = World(intent, inventory, ledger, run, all_shaken(run.facts))
    findings = Findings()
    findings.faults += departing_faults(world)
    inventory = without(inventory, run.leaving)
    world = world._replace(inventory=inventory)
    findings.notes += map(str, intent.notes)
    parts: list[Part] = []
    if intent.overlay is not None:
        spokes = compile_overlay(intent.overlay, world, findings)
        ledger = spokes.ledger
        parts += [Part("the overlay", plan) for plan in spokes.plans.values()]
        parts += [Part("overlay.carrier", plan) for plan in spokes.carried]
    elif not intent.servers:
        findings.notes.append("the intent declares no overlay: nothing is planned")
    services = _services(world, findings)
    parts += _parts(world, services)
    parts += _bare(world, {part.plan.host for part in parts})
    plans, clashes = merged(parts)
    findings.faults += clashes
    if not run.allow_empty:
        findings.faults += [*vanished_domain(world), *vanished_overlay(world, plans)]
    findings.faults += vanished_keys(world)
    site = Site(intent, inventory, plans, _clients(services), homes_of(intent))
    policed = policing(site, ledger.policy, whole=not findings.faults)
    findings.notes += policed.notes
    findings.faults += policed.faults
    sent = sending(world, policed.plans, ledger.hosts, findings)
    ledger = ledger._replace(interfaces=_remembered(world.ledger, services), policy=policed.remembered)
    ledger = ledger._replace(audit=sent.certificates)
    wanted = gathered(findings.wishes)
    return Compiled(sent.plans, ledger, tuple(findings.notes), tuple(findings.faults), wanted, policed.maps)


def _clients(services: list[Service]) -> dict[str, tuple[str, ...]]:
    return {member.name: member.addresses for service in services for member in service.members}


def _services(world: World, findings: Findings) -> list[Service]:
    findings.faults += [*membership_faults(world), *identity_faults(world)]
    by_interface: dict[str, dict[str, Client]] = {name: {} for name in sorted(world.intent.interfaces)}
    for name, client in world.intent.clients.items():
        by_interface[client.interface][name] = client
    return [service_of(world, name, clients, findings) for name, clients in by_interface.items()]


def _parts(world: World, services: list[Service]) -> Iterator[Part]:
    internal, home_of = internal_of(world.intent), homes_of(world.intent)
    for service in services:
        crowd = crowd_of(world.intent, service.name, home_of)
        yield Part(f"interface {service.name}", server_part(service, world.intent, internal, crowd))
    for service in services:
        for member in service.members:
            if member.client.host is not None:
                plan = client_part(service, member, member.client.host, world.intent)
                yield Part(f"client {member.name} of {service.name}", plan)


def _bare(world: World, planned: set[str]) -> Iterator[Part]:
    """Servers without an interface, and hosts that still have something of ours and should not: an empty plan takes it
    away. Other hosts of the inventory are left alone."""
    roles = {name: server.role for name, server in world.intent.servers.items()}
    groups = ((ROUTER, world.inventory.routers), (NAS, world.inventory.nas), (PEER, world.inventory.peers))
    for role, group in groups:
        for name in group:
            facts = world.run.facts.get(name)
            if facts is not None and (facts.devices or facts.peers):
                roles.setdefault(name, role)
    yield from (Part("", HostPlan(name, roles[name])) for name in sorted(set(roles) - planned))


def _remembered(ledger: Ledger, services: list[Service]) -> dict[str, LinkEntry]:
    """Also interfaces that are gone: their addresses rest, should they come back."""
    found = {service.name: service.entry() for service in services}
    for name, entry in ledger.interfaces.items():
        gone = [(address, client) for client in sorted(entry.clients) for address in entry.clients[client].addresses]
        found.setdefault(name, LinkEntry(released=(*entry.released, *gone)))
    return dict(sorted(found.items()))
