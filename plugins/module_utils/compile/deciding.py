# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From what the hosts said and what is remembered to a Service: who has which key and address on one interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..intent.client import Client
from ..intent.node import below
from ..model.errors import Fault
from ..model.facts import Facts
from ..model.wireguard import UNMADE, Peer
from .address_office import Claim, Claimant, Evidence
from .client_allocation import Leases, allocate
from .keys import Ends, KeysWanted, ends_of_client, ends_of_link
from .ledger import ClientEntry, LinkEntry
from .preshared import Side, agreed
from .service import Member, Service
from .wireguard_mtu import inner_mtu, mtu_faults, uplink_mtu
from .world import Findings, World


def service_of(world: World, name: str, clients: Mapping[str, Client], findings: Findings) -> Service:
    """name: of the interface. clients: those that it has."""
    desk = _Desk(world, name, findings)
    underlay = desk.underlay()
    ends, peer_key = desk.own_keys()
    known = {client: desk.client_ends(client, clients[client]) for client in sorted(clients)}
    leases = desk.leases(clients, known)
    members = tuple(
        desk.member(client, clients[client], addresses, known[client], ends)
        for client, addresses in leases.addresses.items()
    )
    findings.faults += _shared_keys(desk.interface.server, ends, members)
    mtu = inner_mtu(desk.interface, underlay)
    server = world.intent.servers[desk.interface.server]
    return Service(name, desk.interface, server, ends, peer_key, underlay, mtu, members, leases.released)


class _Desk:
    """One interface. facts: of its server, None: it was not asked. entry: what is remembered of the interface."""

    def __init__(self, world: World, name: str, findings: Findings) -> None:
        self.name = name
        self.interface = world.intent.interfaces[name]
        self.facts: Facts | None = world.run.facts.get(self.interface.server)
        self.entry = world.ledger.interfaces.get(name, LinkEntry())
        self._world = world
        self._findings = findings
        self._stored = tuple(peer for peer in self.facts.peers if peer.link == name) if self.facts else ()
        self._by_name = {peer.name: peer for peer in self._stored if peer.name}
        self._made = dict(self.facts.keys.clients) if self.facts else {}

    def _same_server(self) -> LinkEntry:
        """What is remembered of the server: nothing where another one had the interface."""
        return self.entry if self.entry.server == self.interface.server else LinkEntry()

    def underlay(self) -> int:
        """MTU of the server's; 0: nobody knows."""
        server = self.interface.server
        management = self._world.intent.servers[server].management.both()
        found = uplink_mtu(self.facts, management, self._same_server().mtu)
        self._findings.faults += mtu_faults(self.name, self.interface, server, found)
        if not found and not self.interface.mtu:
            mtu = inner_mtu(self.interface, found)
            self._findings.notes.append(
                f"{self.name}: MTU {mtu} assumes an underlay of 1500; nobody has seen {server} yet"
            )
        return found

    def own_keys(self) -> tuple[Ends, str | None]:
        """The server's, and what others have it for."""
        server = self.interface.server
        ends = ends_of_link(self.facts, self.name, self._same_server().ends, self._world.shaken)
        return ends, self._wanted(ends, server, KeysWanted(links=(self.name,)))

    def _wanted(self, ends: Ends, host: str, wanted: KeysWanted) -> str | None:
        """The key in use; where there is none yet, UNMADE if the host can make it in this run, otherwise None."""
        if ends.key is None and host in self._world.run.facts:
            self._findings.wish(host, wanted)
            return UNMADE
        return ends.key or (UNMADE if self._world.run.offline else None)

    def client_ends(self, name: str, client: Client) -> Ends:
        if client.public_key is not None:
            return Ends(client.public_key)
        known = self._remembered(name)
        if client.host is not None:
            return ends_of_link(self._world.run.facts.get(client.host), self.name, known, self._world.shaken)
        return ends_of_client(self._file_key(name, known), known, self._world.shaken)

    def _remembered(self, name: str) -> Ends:
        """By the ledger, else by the server."""
        entry, peer = self.entry.clients.get(name), self._by_name.get(name)
        if entry is not None and entry.ends.key is not None:
            return entry.ends
        return Ends(peer.public_key, peer.successor) if peer is not None and peer.public_key != UNMADE else Ends()

    def _file_key(self, name: str, known: Ends) -> str | None:
        """The key that the client's files on the server have now."""
        return self._made.get(name) if self.facts else known.following or known.key

    def leases(self, clients: Mapping[str, Client], known: Mapping[str, Ends]) -> Leases:
        claimants = [Claimant(name, client.addresses, known[name].key) for name, client in clients.items()]
        held = (Claim(peer.name, _bare(peer), peer.public_key) for peer in self._stored)
        remembered = (Claim(name, entry.addresses, entry.ends.key) for name, entry in self.entry.clients.items())
        fresh = self._world.run.offline or self.facts is not None
        evidence = Evidence(tuple(held), tuple(remembered), self.entry.released, fresh)
        found = allocate(self.name, self.interface.subnets, claimants, evidence)
        self._findings.faults += found.faults
        return found

    def member(self, name: str, client: Client, addresses: tuple[str, ...], ends: Ends, server: Ends) -> Member:
        """server: the server's own keys."""
        if client.host is not None:
            return self._managed(name, client, addresses, ends, server)
        if client.public_key is not None:
            return Member(name, client, addresses, ends, ends.key, client.public_key, client.preshared, 0)
        file_key = self._file_key(name, self._remembered(name))
        self._wanted(Ends(file_key), self.interface.server, KeysWanted(clients=(name,)))
        peer_key = ends.key or UNMADE
        if peer_key == UNMADE and self.facts is None and not self._world.run.offline:
            message = f"has no key yet, and {self.interface.server} makes it; run again when {self.interface.server} "
            self._findings.faults.append(Fault("domain.yaml", below("clients", name), f"{message}answers"))
        return Member(name, client, addresses, ends, peer_key, file_key or UNMADE, client.preshared, 0)

    def _managed(self, name: str, client: Client, addresses: tuple[str, ...], ends: Ends, server: Ends) -> Member:
        host = client.host or ""
        facts, entry = self._world.run.facts.get(host), self.entry.clients.get(name, ClientEntry(()))
        peer_key = self._wanted(ends, host, KeysWanted(links=(self.name,)))
        if peer_key is None:
            message = f"{name}: {host} has no key for {self.name} yet and did not answer; it is left out until it does"
            self._findings.notes.append(message)
        preshared = client.preshared and agreed(
            self.name,
            Side(self.interface.server, self.facts, server),
            Side(host, facts, ends),
            entry.preshared,
            self._findings,
        )
        reached = (facts.reached_at,) if facts and facts.reached_at else ()
        underlay = uplink_mtu(facts, reached, entry.mtu)
        self._findings.faults += mtu_faults(self.name, self.interface, host, underlay)
        return Member(name, client, addresses, ends, peer_key, "", preshared, underlay)


def _bare(peer: Peer) -> tuple[str, ...]:
    """The single addresses among a peer's AllowedIPs."""
    return tuple(
        text.rpartition("/")[0] for text in peer.allowed_ips if text.endswith("/128" if ":" in text else "/32")
    )


def _shared_keys(server: str, own: Ends, members: Iterable[Member]) -> list[Fault]:
    """A key names a peer, so two with one key would be one."""
    holder = {key: server for key in own if key is not None}
    faults = []
    for member in members:
        for key in member.ends:
            if key is not None and holder.setdefault(key, member.name) != member.name:
                both = f"{holder[key]} and {member.name}"
                faults.append(Fault("domain.yaml", below("clients", member.name), f"{both} both have the key {key}"))
    return faults
