# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a WireGuard endpoint is: names become addresses on the host that talks to them."""

from __future__ import annotations

from socket import AF_INET6, SOCK_DGRAM, gaierror, getaddrinfo

from ...model.errors import KernelError


def resolve(endpoint: str, subject: str = "endpoint") -> tuple[str, ...]:
    """`vpn.example.net:51820` → all its addresses with that port, as wg(8) writes them, best first.

    The order is the system's own (RFC 6724): addresses that nothing leads to come last. Raises KernelError about
    ``subject``, naming the endpoint, where it has none.
    """
    host, _colon, port = endpoint.rpartition(":")
    try:
        found = getaddrinfo(host.strip("[]"), int(port), type=SOCK_DGRAM)
    except (gaierror, ValueError, UnicodeError) as error:
        words = error.strerror if isinstance(error, gaierror) else "not a host and a port"
        raise KernelError(subject, f"its endpoint {endpoint} does not resolve on this host: {words}") from error
    return tuple(dict.fromkeys(_written(family, address) for family, _type, _protocol, _name, address in found))


def _written(family: int, address: tuple[str | int, ...]) -> str:
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if family == AF_INET6 else f"{host}:{port}"
