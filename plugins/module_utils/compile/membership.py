# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the intent's hosts meet the inventory's, and the machines that answer to their names."""

from __future__ import annotations

from collections.abc import Iterator

from ..intent.node import below
from ..intent.server import ROUTER
from ..model.errors import Fault
from .world import World


def membership_faults(world: World) -> Iterator[Fault]:
    """Hosts of the intent that Ansible would never reach."""
    inventory = world.inventory
    for name, server in world.intent.servers.items():
        group, members = ("routers", inventory.routers) if server.role == ROUTER else ("nas", inventory.nas)
        if name not in members:
            message = f"is a server with the role {server.role} in the intent; put it into the group {group}"
            yield Fault("inventory", name, message)
    managed = inventory.hosts()
    for name, client in world.intent.clients.items():
        if client.host is not None and client.host not in managed:
            message = f"{client.host} is in no group of weft's; put it into the group peers, or delete the line"
            yield Fault("domain.yaml", f"{below('clients', name)}.host", message)


def identity_faults(world: World) -> Iterator[Fault]:
    """A server is known by its management addresses: a machine without them is another one."""
    for name, server in world.intent.servers.items():
        facts = world.run.facts.get(name)
        if facts is None:
            continue
        own = [uplink.address for uplink in facts.foreign.uplinks]
        bare = {address.partition("/")[0] for address in own}
        for family, address in server.management._asdict().items():
            if address is not None and address not in bare:
                message = f"{address} is not an address of {name} (it has {', '.join(own) or 'none'}); correct it, or"
                path = f"{below('servers', name)}.management.{family}"
                yield Fault("domain.yaml", path, f"{message} the inventory, if that is another machine")
