# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The overlay's chains in our nftables table."""

from __future__ import annotations

from ...model.firewall import Firewall
from ...model.marks import LINK_GROUP
from .nft import Chain, Rules, set_of
from .rules import IPV4, Tunnels, by_family, networks
from .tenants import NO_TENANTS, Tenants

_IN = f"iifgroup {LINK_GROUP}"
_OUT = f"oifgroup {LINK_GROUP}"
_NOT_OUT = f"oifgroup != {LINK_GROUP}"


def chains(firewall: Firewall, tenants: Tenants = NO_TENANTS) -> tuple[Chain, ...]:
    shadows = networks(tenants.shadows, IPV4)
    found = [
        Chain("tunnel_guard", "type filter hook input priority raw; policy accept;", _tunnel(firewall)),
        Chain(
            "source_guard",
            "type filter hook prerouting priority raw; policy accept;",
            (*_frames(firewall), *_source(firewall, shadows)),
        ),
        Chain("scope_guard", "type filter hook forward priority mangle; policy accept;", _scope(firewall, shadows)),
    ]
    if firewall.carrier is not None:
        base = "type filter hook input priority raw; policy accept;"
        found.append(Chain("carrier_guard", base, _carrier(firewall, firewall.carrier)))
    if firewall.bridge is not None:
        text = f"{_OUT} icmp type redirect drop"
        base = "type filter hook output priority filter; policy accept;"
        found.append(Chain("redirect_guard", base, (("no redirect past the gateway", text),)))
    if firewall.masquerade and firewall.subnet is not None:
        text = f"{_NOT_OUT} ip saddr {firewall.subnet} ip daddr != {firewall.cidr} masquerade"
        base = "type nat hook postrouting priority srcnat; policy accept;"
        found.append(Chain("overlay_nat", base, (("overlay to internet", text),)))
    return tuple(found)


def _ours(firewall: Firewall) -> str:
    # RFC 7348: 8 bytes of UDP header, 4 of flags, then 24 bits of VNI. A foreign VXLAN on this port is left alone.
    return f"udp dport {firewall.port} @th,96,24 {set_of(str(vni) for vni in sorted(set(firewall.vnis)))}"


def _tunnel(firewall: Firewall) -> Rules:
    if not firewall.vnis:
        return ()
    ours = _ours(firewall)
    ipv4, ipv6 = by_family(firewall)
    beside = (
        (("tunnel beside its carrier", f'iifname != "{firewall.carrier}" {ours} drop'),) if firewall.carrier else ()
    )
    return (
        *beside,
        ("tunnel not from its remote", f"{ours} {_outside('ip', 'ipv4', ipv4)} drop"),
        ("tunnel not from its remote", f"{ours} {_outside('ip6', 'ipv6', ipv6)} drop"),
    )


def _outside(header: str, family: str, tunnels: Tunnels) -> str:
    if not tunnels:
        return f"meta nfproto {family}"
    return f"@th,96,24 . {header} saddr != {set_of(f'{vni} . {remote}' for vni, remote in tunnels)}"


def _carrier(firewall: Firewall, link: str) -> Rules:
    """Whose tunnels they are is judged by _tunnel(), at the same hook."""
    of_link, own = f'iifname "{link}"', "fib daddr . iif type local"
    tunnels = (("tunnel", f"{of_link} {_ours(firewall)} accept"),) if firewall.vnis else ()
    return (
        *tunnels,
        ("answer to the host", f"{of_link} ct direction reply ct state established,related accept"),
        ("ping", f"{of_link} {own} icmp type echo-request accept"),
        ("ping", f"{of_link} {own} icmpv6 type echo-request accept"),
        ("nothing else by the carrier", f"{of_link} drop"),
    )


def _frames(firewall: Firewall) -> Rules:
    """A bridge hands frames for these addresses to the host by the port, not by itself: nobody there has judged a new
    container's. No IP packet is ever sent in one."""
    if firewall.bridge is None:
        return ()
    return (("past the bridge", "ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 drop"),)


def _source(firewall: Firewall, shadows: tuple[str, ...]) -> Rules:
    known = set_of((firewall.cidr, *shadows)) if shadows else firewall.cidr
    return (
        ("no IPv6 in the overlay", f"{_IN} meta nfproto ipv6 drop"),
        ("source outside the overlay", f"{_IN} ip saddr != {known} drop"),
        ("source of another link", f"{_IN} fib saddr . iif oif 0 drop"),
    )


def _scope(firewall: Firewall, shadows: tuple[str, ...]) -> Rules:
    cidr, subnet, carrier = firewall.cidr, firewall.subnet, firewall.carrier
    # Policies have judged what has a shadow as its source.
    by_shadow = f"{_IN} {_OUT} ip saddr {set_of(shadows)} ip daddr {cidr} accept"
    within = (
        ("overlay to overlay", f"{_IN} {_OUT} ip saddr {cidr} ip daddr {cidr} accept"),
        *((("by a shadow", by_shadow),) if shadows else ()),
    )
    out = ("out of the overlay", f"{_IN} drop")
    into = ("into the overlay", f"{_OUT} drop")
    beside = (
        (("from the carrier", f'iifname "{carrier}" drop'), ("to the carrier", f'oifname "{carrier}" drop'))
        if carrier
        else ()
    )
    if firewall.bridge is None or subnet is None:
        return (*beside, *within, out, into)
    return (
        *beside,
        *within,
        ("container to internet", f"{_IN} {_NOT_OUT} ip saddr {subnet} ip daddr != {cidr} accept"),
        out,
        ("answer to a container", f"{_OUT} ct state established,related accept"),
        ("published port", f"{_OUT} ct status dnat accept"),
        into,
    )
