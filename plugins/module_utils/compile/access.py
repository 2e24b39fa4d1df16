# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the server lets each client reach: from the profiles, whatever a client's own AllowedIPs say."""

from __future__ import annotations

from ..intent.domain import Intent
from ..intent.profile import Profile
from ..model.access import Access, Reach
from .networks import collapsed
from .service import Service
from .subnets import server_addresses

# Private and special-purpose ranges (RFC 1918, 4193, 6598, 6890). 198.18.0.0/15, where networks are measured, is not
# among them: it is routed like any other where it is used.
_SPECIAL = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)


def internal_of(intent: Intent) -> tuple[str, ...]:
    """Everything that is not the internet: what is special anywhere, and every network of this domain."""
    networks = list(_SPECIAL)
    for server in intent.servers.values():
        networks += server.management.both()
    for interface in intent.interfaces.values():
        networks += [*interface.lan, *interface.subnets.both()]
    if intent.overlay is not None:
        networks += [intent.overlay.cidr, intent.overlay.isolated_cidr]
        networks += [intent.overlay.carrier.cidr] if intent.overlay.carrier else []
    return collapsed(networks)


def access_of(service: Service, intent: Intent, internal: tuple[str, ...]) -> Access:
    """The gate of one interface; a profile that no client of it has is not in it."""
    interface = service.interface
    clients: dict[str, list[str]] = {}
    for member in service.members:
        clients.setdefault(member.client.profile, []).extend(member.addresses)
    return Access(
        link=service.name,
        port=interface.endpoint.port,
        subnets=interface.subnets.both(),
        addresses=tuple(address.partition("/")[0] for address in server_addresses(interface.subnets)),
        reaches=tuple(
            _reach(name, intent.profiles[name], interface.lan, tuple(addresses))
            for name, addresses in sorted(clients.items())
        ),
        internal=internal,
        masquerade=interface.masquerade,
        mtu=service.mtu,
        zone=interface.zone,
        dns=interface.dns,
    )


def _reach(name: str, profile: Profile, lan: tuple[str, ...], clients: tuple[str, ...]) -> Reach:
    return Reach(
        profile=name,
        clients=clients,
        prefixes=collapsed((*profile.subnets, *(lan if profile.lan else ()))),
        internet=profile.internet,
        neighbours=profile.clients,
        host=profile.lan,
        excluded=collapsed(profile.exclude),
    )
