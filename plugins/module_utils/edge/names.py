# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether the names that clients connect to mean anything, as seen from the controller."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from ..intent.domain import Intent
from ..intent.node import below
from ..model.errors import Fault


def resolution_faults(intent: Intent) -> Iterator[Fault]:
    """Endpoint names without an address; each name is asked for once, and literal addresses are not."""
    said: dict[str, str] = {}
    for name, interface in sorted(intent.interfaces.items()):
        host = interface.endpoint.host
        if host not in said:
            said[host] = "" if _literal(host) else _reason(host)
        if said[host]:
            message = f"{host} does not resolve here ({said[host]}); correct it, or give an address"
            path = f"{below('interfaces', name)}.endpoint.host"
            yield Fault("domain.yaml", path, f"{message}; -e weft_resolve=false leaves it unchecked")


def _literal(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


def _reason(host: str) -> str:
    """Why there is no address; "": there is one."""
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        return error.strerror or str(error)
    return ""
