# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AllowedIPs on the clients' side: what a client sends into the tunnel, from its profile and its interface."""

from __future__ import annotations

from ..intent.interface import Interface
from ..intent.profile import FULL, Profile
from ..intent.server import Server
from .inventory import reachable
from .networks import without
from .subnets import server_addresses

# Both families always: where the tunnel has only one, the other must not leak beside it.
_EVERYTHING = ("0.0.0.0/0", "::/0")


def allowed_ips(profile: Profile, interface: Interface, server: Server) -> tuple[str, ...]:
    """In canonical order: IPv4 first, then by address; nothing of profile.exclude is in it.

    Nor is the endpoint, unless everything of its family is: clients (wg-quick, NetworkManager) tell the tunnel's own
    packets from others only where they route 0.0.0.0/0 or ::/0, and would send them into the tunnel otherwise. Of an
    endpoint that is a name nobody knows here what it will be.
    """
    wanted = _EVERYTHING if profile.tunnel == FULL else _reachable(profile, interface, server)
    sends = without(wanted, profile.exclude)
    endpoint = reachable(interface.endpoint.host)
    if endpoint is None or (_EVERYTHING[":" in endpoint] in sends):
        return sends
    return without(sends, (endpoint,))


def _reachable(profile: Profile, interface: Interface, server: Server) -> tuple[str, ...]:
    """What the server lets the profile reach, but the internet, and the server's own addresses in the tunnel. Only of
    the families that the tunnel has: a client has no address to reach the other from."""
    own = tuple(address.partition("/")[0] for address in server_addresses(interface.subnets))
    networks = [*profile.subnets, *interface.dns, *(interface.subnets.both() if profile.clients else own)]
    if profile.lan:
        networks += [*interface.lan, *server.management.both()]
    families = [family for family, subnet in zip((".", ":"), interface.subnets) if subnet is not None]
    return tuple(text for text in networks if any(family in text for family in families))
