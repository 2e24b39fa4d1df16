# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is never taken down by an oversight: an inventory, an intent or a server that lost its content stops the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..intent.node import below
from ..model.errors import Fault
from .allocation import Claim
from .inventory import Inventory
from .ledger import Ledger, LinkEntry
from .words import some
from .world import World

_MEANT = "run with -e weft_allow_empty=true"


def vanished_runners(
    inventory: Inventory, live: Iterable[Claim], ledger: Ledger, leaving: frozenset[str]
) -> Iterator[Fault]:
    """live: runners that the hub still has tunnels to. leaving: of whom it is meant."""
    had = {claim.host for claim in live} | {name for name, entry in ledger.hosts.items() if entry.runner_id}
    had -= leaving
    if had and not inventory.runners:
        message = f"the group is empty, but {', '.join(sorted(had))} had runner ids; if all of them are really to go"
        yield Fault("inventory", "runners", f"{message}, {_MEANT}")


def vanished_domain(world: World) -> Iterator[Fault]:
    """Servers and clients that are all gone at once; an overlay that is gone from a host which has more than that."""
    intent, interfaces = world.intent, world.ledger.interfaces
    servers = sorted({entry.server for entry in interfaces.values() if entry.server})
    clients = sorted(name for entry in interfaces.values() for name in entry.clients)
    if servers and not intent.servers:
        message = f"there are none, but {some(servers)} had interfaces; if all of them are really to go, {_MEANT}"
        yield Fault("domain.yaml", "servers", message)
    if clients and not intent.clients:
        message = f"there are none, but {some(clients)} had addresses; if all of them are really to go, {_MEANT}"
        yield Fault("domain.yaml", "clients", message)


def vanished_overlay(world: World, planned: Iterable[str]) -> Iterator[Fault]:
    """An intent without an overlay removes nothing; but a host that is planned for something else would lose it.
    planned: hosts that have a plan."""
    had = sorted(set(planned) & set(world.ledger.hosts))
    if had and world.intent.overlay is None:
        message = f"there is none, but {some(had)} had it and would lose it now; if that is meant, {_MEANT}"
        yield Fault("domain.yaml", "overlay", message)


def vanished_keys(world: World) -> Iterator[Fault]:
    """A server that was reinstalled: with keys that it makes anew, no client knows it any more."""
    lost: dict[str, list[str]] = {}
    for name, interface in sorted(world.intent.interfaces.items()):
        facts, entry = world.run.facts.get(interface.server), world.ledger.interfaces.get(name, LinkEntry())
        had = entry.server == interface.server and entry.ends.key is not None
        if had and facts is not None and name not in dict(facts.keys.links):
            lost.setdefault(interface.server, []).append(name)
    for server in sorted(set(lost) - world.run.new_keys):
        message = (
            f"{server} has no key any more for {some(lost[server])}, and every client has the former one. Bring it "
            f"back with recover.yml -e target={server}, or have it make new keys with -e weft_new_keys={server}"
        )
        yield Fault("domain.yaml", below("servers", server), message)
