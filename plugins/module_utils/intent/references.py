# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Names that stand for something described elsewhere in the domain."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from .client import Client
from .collection import Named
from .interface import Interface
from .node import shown
from .schema import Check, Where
from .server import NAS

# So many names are listed in a message.
_LISTED = 10

Found = Iterator[tuple[Where, str]]


def unknown(name: str, known: Collection[str], key: str) -> str | None:
    """The fault of a name that does not stand below ``key``; None: it does."""
    if name in known:
        return None
    return f"{shown(name)} is not below `{key}`; {hint(name, known)}"


def hint(name: str, known: Collection[str]) -> str:
    """What may have been meant by a name that is not known."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    if names:
        return f"known there: {listed(names)}"
    return "nothing stands there"


def listed(names: Collection[str]) -> str:
    """Names in a message: in order, and not too many of them."""
    return ", ".join(sorted(names)[:_LISTED]) + (", …" if len(names) > _LISTED else "")


def _servers_of_interfaces(interfaces: Named, servers: Named) -> Found:
    values: Mapping[str, Interface] = interfaces.values
    for name, interface in values.items():
        fault = unknown(interface.server, servers.names, "servers")
        if fault:
            yield ("interfaces", name, "server"), fault


def _parts_of_bindings(bindings: Named, interfaces: Named, profiles: Named) -> Found:
    for name in bindings.names:
        fault = unknown(name, interfaces.names, "interfaces")
        if fault:
            yield ("bindings", name), fault
    for name, allowed in bindings.values.items():
        for number, profile in enumerate(allowed):
            fault = unknown(profile, profiles.names, "profiles")
            if fault:
                yield ("bindings", name, number), fault


def _parts_of_clients(clients: Named, interfaces: Named, profiles: Named) -> Found:
    values: Mapping[str, Client] = clients.values
    for name, client in values.items():
        for field, value, known in (
            ("interface", client.interface, interfaces),
            ("profile", client.profile, profiles),
        ):
            fault = unknown(value, known.names, f"{field}s")
            if fault:
                yield ("clients", name, field), fault


def _server_of_the_store(server: str, servers: Named) -> Found:
    fault = unknown(server, servers.names, "servers")
    if fault:
        yield "store.server", fault
    elif server in servers.values and servers.values[server].role != NAS:
        yield "store.server", f"{server} has the role {servers.values[server].role}; the store is kept by a {NAS}"


CHECKS = (
    Check(("interfaces.*", "servers.*"), _servers_of_interfaces),
    Check(("bindings.*", "interfaces.*", "profiles.*"), _parts_of_bindings),
    Check(("clients.*", "interfaces.*", "profiles.*"), _parts_of_clients),
    Check(("store.server", "servers.*"), _server_of_the_store),
)
