# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the configuration files of unmanaged clients say, as far as it is no secret."""

from __future__ import annotations

from collections.abc import Iterator

from ..intent.client import Client
from ..intent.interface import Endpoint
from ..model.client import ClientConfig
from ..model.wireguard import UNMADE
from .service import Member, Service
from .wireguard_mtu import client_mtu

_DAY = 86400


def config_of(service: Service, member: Member, allowed_ips: tuple[str, ...]) -> ClientConfig:
    """allowed_ips: of the client's profile on this interface."""
    interface = service.interface
    return ClientConfig(
        name=member.name,
        link=service.name,
        public_key=member.file_key,
        given=member.client.public_key is not None,
        addresses=tuple(host_prefix(address) for address in member.addresses),
        dns=interface.dns,
        mtu=client_mtu(interface, service.mtu),
        server_key=service.ends.key or UNMADE,
        endpoint=endpoint_text(interface.endpoint),
        allowed_ips=allowed_ips,
        keepalive=interface.keepalive,
        preshared=member.preshared,
        about=tuple(_about(member.client)),
    )


def endpoint_text(endpoint: Endpoint) -> str:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def host_prefix(address: str) -> str:
    """The network of one address: 10.8.0.2/32."""
    return f"{address}/{128 if ':' in address else 32}"


def _about(client: Client) -> Iterator[str]:
    yield f"profile: {client.profile}"
    if client.owner is not None:
        yield f"owner: {client.owner}"
    if client.expires is not None:
        yield f"expires: {timestamp(client.expires)}"
    for key, value in client.labels.items():
        yield f"label: {key}={value}"


def timestamp(unix: int) -> str:
    """2027-01-31T23:59:59Z (RFC 3339) for a Unix time; reckoned here, without a clock and its time zones."""
    days, seconds = divmod(unix, _DAY)
    # Howard Hinnant, chrono-compatible low-level date algorithms: years that begin in March have the leap day last.
    era, day_of_era = divmod(days + 719468, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    year = year_of_era + era * 400 + (month >= 10)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{year:04}-{month + 3 if month < 10 else month - 9:02}-{day:02}T{clock}Z"
