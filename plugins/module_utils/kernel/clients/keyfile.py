# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`<client>.nmconnection`: the same configuration for NetworkManager (nm-settings-keyfile(5)). No file is touched here.

It is the second place of the client's private key, so it too says by a checksum whether it is whole.
"""

from __future__ import annotations

import hashlib
import re

from ...model.client import ClientConfig
from .. import checksum
from .text import Secrets, check, heading

# Names that the kernel keeps for itself, and names that do not fit (IFNAMSIZ).
_RESERVED = ("all", "default", "lo", "bonding_masters")
_LONGEST = 15
_DEFAULT_ROUTES = {"ip4": "0.0.0.0/0", "ip6": "::/0"}
# RFC 7600 (IPv4 dummy address), RFC 6666 (discard prefix): for a family that the VPN has no addresses in.
_DUMMIES = {"ipv4": "192.0.0.8/32", "ipv6": "100::1/128"}
_AGENT_OWNED = 1


def network_manager(config: ClientConfig, secrets: Secrets) -> str:
    """Raises KernelError for what would not be read as it was meant."""
    check(config, secrets)
    lines = [*heading(config), "[connection]", f"id={config.name}", f"uuid={_uuid(config)}", "type=wireguard"]
    lines += ["autoconnect=false", f"interface-name={interface_name(config.name)}", "", "[wireguard]"]
    # A key that the client made itself is kept by whoever is logged in there.
    own = secrets.private_key
    lines.append(f"private-key={own}" if own else f"private-key-flags={_AGENT_OWNED}")
    lines += [f"mtu={config.mtu}"] if config.mtu else []
    for family, prefix in _DEFAULT_ROUTES.items():
        lines.append(f"{family}-auto-default-route={1 if prefix in config.allowed_ips else 0}")
    lines += ["", f"[wireguard-peer.{config.server_key}]", f"endpoint={config.endpoint}"]
    lines += [f"preshared-key={secrets.preshared}", "preshared-key-flags=0"] if secrets.preshared else []
    lines += [f"persistent-keepalive={config.keepalive}"] if config.keepalive else []
    lines += [f"allowed-ips={''.join(f'{prefix};' for prefix in config.allowed_ips)}"] if config.allowed_ips else []
    lines += _family(config, "ipv4", ".") + _family(config, "ipv6", ":")
    return checksum.add("\n".join(lines) + "\n\n")


def secrets_in(text: str) -> tuple[str, Secrets] | None:
    """(public key, secrets) of a keyfile of ours; None where its checksum is wrong."""
    body = checksum.strip(text)
    if body is None:
        return None
    public = re.search(r"^# PublicKey = (\S+)$", body, re.MULTILINE)
    private = re.search(r"^private-key=(\S+)$", body, re.MULTILINE)
    preshared = re.search(r"^preshared-key=(\S+)$", body, re.MULTILINE)
    if public is None:
        return None
    return public[1], Secrets(private[1] if private else None, preshared[1] if preshared else None)


def interface_name(client: str) -> str:
    """The client's name where the kernel takes it; else its beginning and four digits that tell it from others."""
    if len(client) <= _LONGEST and client not in _RESERVED:
        return client
    return f"{client[: _LONGEST - 5]}-{hashlib.sha256(client.encode()).hexdigest()[:4]}"


def _family(config: ClientConfig, section: str, sign: str) -> list[str]:
    """One of [ipv4] and [ipv6]: a network is of that family if its text has `sign` in it."""
    addresses = [address for address in config.addresses if sign in address]
    servers = [address for address in config.dns if sign in address]
    everything = _DEFAULT_ROUTES["ip4" if section == "ipv4" else "ip6"] in config.allowed_ips
    if not addresses and not everything:
        return ["", f"[{section}]", "method=disabled"]
    lines = ["", f"[{section}]", "method=manual"]
    # Where the tunnel takes everything, a family that the VPN does not have must end in it too, not leave beside it;
    # NetworkManager gives routes only to a family with an address.
    lines += [f"address{number}={text}" for number, text in enumerate(addresses or [_DUMMIES[section]], start=1)]
    if servers:
        # As wg-quick does: while the tunnel is up, these are asked and no others.
        lines += [f"dns={''.join(f'{server};' for server in servers)}", "dns-search=~;", "dns-priority=-50"]
    return [*lines, f"never-default={'false' if everything else 'true'}"]


def _uuid(config: ClientConfig) -> str:
    """The same for the same client of the same interface, so that importing it again replaces it."""
    text = hashlib.sha256(f"{config.name}\0{config.link}\0{config.endpoint}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-a{text[17:20]}-{text[20:32]}"
