# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Denials of all hosts, collected by the store's server: who sends, who listens, and by which certificates they know
each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..intent.store import Collecting, Store
from ..model.errors import Fault
from ..model.plan import HostPlan
from ..model.sending import AUDIT_KEY_FOLDER, Audit, Collector
from .keys import KeysWanted
from .ledger import Entry
from .words import some
from .world import Findings, World


class Sending(NamedTuple):
    """plans: of all hosts. certificates: by host, what is to be remembered."""

    plans: dict[str, HostPlan]
    certificates: dict[str, str]


def sending(world: World, plans: Mapping[str, HostPlan], entries: Mapping[str, Entry], findings: Findings) -> Sending:
    """entries: what is known of hosts of the overlay. Every host with a policy sends. Who has no certificate yet is
    left out until it has one; who cannot be asked has the one that the ledger knows."""
    store = world.intent.store
    policed = sorted(host for host, plan in plans.items() if plan.policy is not None)
    if store is None or store.audit is None or not policed or store.server not in plans:
        return Sending(dict(plans), {})
    known = dict(_certificates(world, {*policed, store.server}, findings))
    findings.faults += _copied(known)
    senders = [host for host in policed if host in known]
    if store.server not in known or not senders:
        return Sending(dict(plans), known)
    audit, collector = _ends(world, store, store.audit, known[store.server])
    hosts = tuple((host, known[host]) for host in senders)
    found = {host: plan._replace(audit=audit) if host in senders else plan for host, plan in plans.items()}
    sources = tuple(sorted(set(_sources(world, [plans[host] for host in senders], entries))))
    found[store.server] = found[store.server]._replace(collector=collector._replace(hosts=hosts, sources=sources))
    return Sending(found, known)


def _certificates(world: World, hosts: Iterable[str], findings: Findings) -> Iterator[tuple[str, str]]:
    silent = []
    for host in sorted(hosts):
        facts = world.run.facts.get(host)
        certificate = facts.keys.audit if facts is not None else world.ledger.audit.get(host, "")
        if certificate:
            yield host, certificate
        elif facts is not None:
            findings.wish(host, KeysWanted(audit=True))
        else:
            silent.append(host)
    if silent:
        words = "their denials stay there" if len(silent) > 1 else "its denials stay there"
        if world.intent.store is not None and world.intent.store.server in silent:
            words = "denials stay on all hosts"
        findings.notes.append(
            f"{some(silent)} never told a certificate to send denials with: {words} until it is reached"
        )


def _copied(known: Mapping[str, str]) -> Iterator[Fault]:
    """A disk that was copied: who has its key would write in the name of both."""
    owners: dict[str, str] = {}
    for host, certificate in known.items():
        other = owners.setdefault(certificate, host)
        if other != host:
            message = f"it is that of {other} too; remove {AUDIT_KEY_FOLDER} on the one that is a copy, and run again"
            yield Fault(host, "certificate of the audit", message)


def _ends(world: World, store: Store, collecting: Collecting, certificate: str) -> tuple[Audit, Collector]:
    addresses = world.intent.servers[store.server].management.both()
    audit = Audit(addresses, collecting.port, certificate)
    return audit, Collector(addresses, collecting.port, store.path)


def _sources(world: World, plans: Iterable[HostPlan], entries: Mapping[str, Entry]) -> Iterator[str]:
    """Addresses that packets of these hosts may have: those of plans and intent, and that of the underlay."""
    for plan in plans:
        yield from (address.address.partition("/")[0] for address in plan.addresses)
        server, entry = world.intent.servers.get(plan.host), entries.get(plan.host)
        yield from server.management.both() if server is not None else ()
        if entry is not None and entry.underlay:
            yield entry.underlay
