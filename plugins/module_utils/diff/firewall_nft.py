# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy as our own nftables table.

Sets are anonymous: they belong to their rule, cannot be edited apart from it, and are hashed, so that the cost of a
packet does not grow with the number of remotes or VNIs.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.firewall import NFT, Firewall, Ruleset
from ..model.marks import LINK_GROUP, NFT_TABLE
from .firewall_rules import Tunnels, by_family, comment


class Chain(NamedTuple):
    """name, its `type ... hook ... priority` and policy as nft prints them, and (words, rule) in order."""

    name: str
    base: str
    rules: tuple[tuple[str, str], ...]


_IN = f"iifgroup {LINK_GROUP}"
_OUT = f"oifgroup {LINK_GROUP}"
_NOT_OUT = f"oifgroup != {LINK_GROUP}"


def ruleset(firewall: Firewall) -> Ruleset:
    """The table as a Ruleset whose script replaces, in one transaction, whatever the table held before."""
    signature: list[str] = []
    # Naming the table first makes the removal succeed where it does not exist yet.
    lines = [f"table inet {NFT_TABLE} {{", "}", f"delete table inet {NFT_TABLE}", f"table inet {NFT_TABLE} {{"]
    for chain in _chains(firewall):
        lines += [f"\tchain {chain.name} {{", "\t\t" + chain.base]
        signature.append(f"{chain.name} {chain.base}")
        for words, text in chain.rules:
            note = comment(words, chain.name, text)
            lines.append(f'\t\t{text} comment "{note}"')
            signature.append(f"{chain.name} {note}")
        lines.append("\t}")
    lines.append("}")
    return Ruleset(NFT, tuple(signature), "\n".join(lines) + "\n")


def _chains(firewall: Firewall) -> tuple[Chain, ...]:
    chains = [
        Chain("tunnel_guard", "type filter hook input priority raw; policy accept;", _tunnel(firewall)),
        Chain("source_guard", "type filter hook prerouting priority raw; policy accept;", _source(firewall)),
        Chain("scope_guard", "type filter hook forward priority mangle; policy accept;", _scope(firewall)),
    ]
    if firewall.bridge is not None:
        text = f"{_OUT} icmp type redirect drop"
        base = "type filter hook output priority filter; policy accept;"
        chains.append(Chain("redirect_guard", base, (("no redirect past the gateway", text),)))
    if firewall.masquerade and firewall.subnet is not None:
        text = f"{_NOT_OUT} ip saddr {firewall.subnet} ip daddr != {firewall.cidr} masquerade"
        base = "type nat hook postrouting priority srcnat; policy accept;"
        chains.append(Chain("overlay_nat", base, (("overlay to internet", text),)))
    return tuple(chains)


def _tunnel(firewall: Firewall) -> tuple[tuple[str, str], ...]:
    if not firewall.vnis:
        return ()
    # RFC 7348: 8 bytes of UDP header, 4 of flags, then 24 bits of VNI. A foreign VXLAN on this port is left alone.
    ours = f"udp dport {firewall.port} @th,96,24 {_set(tuple(str(vni) for vni in sorted(set(firewall.vnis))))}"
    ipv4, ipv6 = by_family(firewall)
    return (
        ("tunnel not from its remote", f"{ours} {_outside('ip', 'ipv4', ipv4)} drop"),
        ("tunnel not from its remote", f"{ours} {_outside('ip6', 'ipv6', ipv6)} drop"),
    )


def _outside(header: str, family: str, tunnels: Tunnels) -> str:
    if not tunnels:
        return f"meta nfproto {family}"
    return f"@th,96,24 . {header} saddr != {_set(tuple(f'{vni} . {remote}' for vni, remote in tunnels))}"


def _set(items: tuple[str, ...]) -> str:
    return "{ " + ", ".join(items) + " }"


def _source(firewall: Firewall) -> tuple[tuple[str, str], ...]:
    return (
        ("no IPv6 in the overlay", f"{_IN} meta nfproto ipv6 drop"),
        ("source outside the overlay", f"{_IN} ip saddr != {firewall.cidr} drop"),
        ("source of another link", f"{_IN} fib saddr . iif oif 0 drop"),
    )


def _scope(firewall: Firewall) -> tuple[tuple[str, str], ...]:
    cidr, subnet = firewall.cidr, firewall.subnet
    within = ("overlay to overlay", f"{_IN} {_OUT} ip saddr {cidr} ip daddr {cidr} accept")
    out = ("out of the overlay", f"{_IN} drop")
    into = ("into the overlay", f"{_OUT} drop")
    if firewall.bridge is None or subnet is None:
        return (within, out, into)
    return (
        within,
        ("container to internet", f"{_IN} {_NOT_OUT} ip saddr {subnet} ip daddr != {cidr} accept"),
        out,
        ("answer to a container", f"{_OUT} ct state established,related accept"),
        ("published port", f"{_OUT} ct status dnat accept"),
        into,
    )
