# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The overlay's chains in iptables.

A packet of a tunnel walks the list of remotes, each with its VNI, by pages: 255 remotes cost at most 16 + 16
comparisons where their last bits differ evenly. IPv6 by our own links needs no rule: it is switched off on them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...model.firewall import Firewall
from ...model.marks import CHAIN_PREFIX, LINK_GROUP
from .iptables import LAST, Book, Chain, Rule, pages
from .rules import IPV4, Tunnels, by_family, networks, ranges
from .tenants import NO_TENANTS, Tenants

# xt_u32 takes at most ten ranges in one test.
_U32_RANGES = 10

_SOURCE = CHAIN_PREFIX + "SOURCE"
_TUNNEL = CHAIN_PREFIX + "TUNNEL"
_SCOPE = CHAIN_PREFIX + "SCOPE"
_CARRIER = CHAIN_PREFIX + "CARRIER"
_REDIRECT = CHAIN_PREFIX + "REDIRECT"
_INPUT = CHAIN_PREFIX + "INPUT"
_FORWARD = CHAIN_PREFIX + "FORWARD"
_NAT = CHAIN_PREFIX + "NAT"
_FRAME = CHAIN_PREFIX + "FRAME"

_IN = f"-m devgroup --src-group {LINK_GROUP:#x}"
_OUT = f"-m devgroup --dst-group {LINK_GROUP:#x}"
_BOTH = f"-m devgroup --src-group {LINK_GROUP:#x} --dst-group {LINK_GROUP:#x}"
_ONLY_IN = f"-m devgroup --src-group {LINK_GROUP:#x} ! --dst-group {LINK_GROUP:#x}"
_NOT_OUT = f"-m devgroup ! --dst-group {LINK_GROUP:#x}"


# Frames for 01:80:c2:00:00:00 to 0f, as a classic BPF program (linux/filter.h): code, jumps, operand of each
# instruction. Nothing else in iptables sees whom a frame is for. Offsets are those of the frame (SKF_LL_OFF).
_RESERVED = (
    "32 0 0 4292870144",  # the first four bytes
    "21 0 4 25215488",  # 01:80:c2:00, or it is another
    "40 0 0 4292870148",  # the last two
    "84 0 0 65520",
    "21 0 1 0",  # 00:0x, or it is another
    "6 0 0 65535",
    "6 0 0 0",
)


def frames(firewall: Firewall) -> tuple[Chain, ...]:
    """A bridge hands frames for these addresses to the host by the port, not by itself: nobody there has judged a new
    container's. No IP packet is ever sent in one."""
    if firewall.bridge is None:
        return ()
    program = ",".join((str(len(_RESERVED)), *_RESERVED))
    return (
        Chain("raw", _FRAME, (Rule("past the bridge", f'-m bpf --bytecode "{program}"', "-j DROP"),), "PREROUTING"),
    )


def chains(firewall: Firewall, ipv6: bool, tenants: Tenants = NO_TENANTS) -> tuple[Chain, ...]:
    tunnels = by_family(firewall)[ipv6]
    found = _over_ipv6(firewall) if ipv6 else _over_ipv4(firewall, networks(tenants.shadows, IPV4))
    if tunnels and firewall.vnis:
        found += _tunnel(firewall, tunnels)
    if firewall.carrier is not None:
        rules = _by_carrier(firewall, ipv6)
        found += (Chain("mangle", _CARRIER, rules, "INPUT", when=f"-i {firewall.carrier}"),)
    return found


def _over_ipv4(firewall: Firewall, shadows: tuple[str, ...]) -> tuple[Chain, ...]:
    elsewhere = Rule("source of another link", "-m rpfilter --invert", "-j DROP")
    source = (
        *(rule for shadow in shadows for rule in _known(shadow, elsewhere)),
        Rule("source outside the overlay", f"! -s {firewall.cidr}", "-j DROP"),
        elsewhere,
    )
    found = [
        Chain("raw", _SOURCE, source, "PREROUTING", when=_IN),
        # In mangle, so that no ACCEPT of Docker comes before it.
        Chain("mangle", _SCOPE, (*_beside(firewall), *_scope(firewall, shadows, refuse=True)), "FORWARD"),
        Chain("filter", _FORWARD, _scope(firewall, shadows, refuse=False), "FORWARD"),
    ]
    if firewall.bridge is not None:
        redirect = Rule("no redirect past the gateway", f"-p icmp -m icmp --icmp-type 5 {_OUT}", "-j DROP")
        found.append(Chain("mangle", _REDIRECT, (redirect,), "OUTPUT"))
    if firewall.masquerade and firewall.subnet is not None:
        match = f"-s {firewall.subnet} ! -d {firewall.cidr} {_NOT_OUT}"
        # Last: an operator's own SNAT for these containers wins.
        rules = (Rule("overlay to internet", match, "-j MASQUERADE"),)
        found.append(Chain("nat", _NAT, rules, "POSTROUTING", how=LAST))
    return tuple(found)


def _known(shadow: str, elsewhere: Rule) -> Iterator[Rule]:
    """Another source than the overlay's own."""
    yield elsewhere._replace(match=f"-s {shadow} {elsewhere.match}")
    yield Rule("by a shadow", f"-s {shadow}", "-j RETURN")


def _over_ipv6(firewall: Firewall) -> tuple[Chain, ...]:
    return (Chain("mangle", _SCOPE, _beside(firewall), "FORWARD"),) if firewall.carrier else ()


def _beside(firewall: Firewall) -> tuple[Rule, ...]:
    """The carrier carries tunnels of this host, and nothing of others."""
    if firewall.carrier is None:
        return ()
    return (
        Rule("from the carrier", f"-i {firewall.carrier}", "-j DROP"),
        Rule("to the carrier", f"-o {firewall.carrier}", "-j DROP"),
    )


def _by_carrier(firewall: Firewall, ipv6: bool) -> tuple[Rule, ...]:
    """Whose tunnels they are is judged by the chain of the tunnels, at the same hook."""
    own = "-m addrtype --dst-type LOCAL --limit-iface-in"
    echo = "-p ipv6-icmp -m icmp6 --icmpv6-type 128" if ipv6 else "-p icmp -m icmp --icmp-type 8"
    udp = f"-p udp -m udp --dport {firewall.port}"
    ours = _vni_matches(firewall.vnis, ipv6) if by_family(firewall)[ipv6] else ()
    return (
        *(Rule("tunnel", f"{udp} {match}", "-j RETURN") for match in ours),
        Rule("answer to the host", "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY", "-j RETURN"),
        Rule("ping", f"{echo} {own}", "-j RETURN"),
        Rule("nothing else by the carrier", "", "-j DROP"),
    )


def _scope(firewall: Firewall, shadows: tuple[str, ...], refuse: bool) -> tuple[Rule, ...]:
    """The same cases twice: in mangle what fits returns and the rest is dropped, in filter what fits is accepted."""
    fits = "-j RETURN" if refuse else "-j ACCEPT"
    cidr, subnet = firewall.cidr, firewall.subnet
    out = (Rule("out of the overlay", _IN, "-j DROP"),) if refuse else ()
    into = (Rule("into the overlay", _OUT, "-j DROP"),) if refuse else ()
    # Policies have judged what has a shadow as its source.
    by_shadow = (Rule("by a shadow", f"-s {shadow} -d {cidr} {_BOTH}", fits) for shadow in shadows)
    within = (Rule("overlay to overlay", f"-s {cidr} -d {cidr} {_BOTH}", fits), *by_shadow)
    if firewall.bridge is None or subnet is None:
        return (*within, *out, *into)
    return (
        *within,
        Rule("container to internet", f"-s {subnet} ! -d {cidr} {_ONLY_IN}", fits),
        *out,
        Rule("answer to a container", f"{_OUT} -m conntrack --ctstate RELATED,ESTABLISHED", fits),
        Rule("published port", f"{_OUT} -m conntrack --ctstate DNAT", fits),
        *into,
    )


def _tunnel(firewall: Firewall, tunnels: Tunnels) -> tuple[Chain, ...]:
    """Guard in mangle; in filter one look at the VNI is enough, what carries ours has passed the guard."""
    ipv6 = ":" in tunnels[0][1]
    udp = f"-p udp -m udp --dport {firewall.port}"
    ours = _vni_matches(firewall.vnis, ipv6)
    refuse = tuple(Rule("tunnel not from its remote", f"-p udp {match}", "-j DROP") for match in ours)
    if ipv6:
        # u32 counts from the fixed header, so what has others before UDP would show it no VNI.
        headers = "-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ah --soft"
        refuse = (Rule("tunnel behind extension headers", headers, "-j DROP"), *refuse)
    accept = tuple(Rule("tunnel from its remote", f"-p udp {match}", "-j ACCEPT") for match in ours)
    first, *others = _remotes(tunnels, refuse, ipv6)
    beside = tuple(
        Rule("tunnel beside its carrier", f"! -i {firewall.carrier} -p udp {match}", "-j DROP")
        for match in (ours if firewall.carrier else ())
    )
    return (
        first._replace(rules=(*beside, *first.rules), hook="INPUT", when=udp),
        *others,
        Chain("filter", _INPUT, accept, "INPUT", when=udp),
    )


def _remotes(tunnels: Tunnels, refuse: tuple[Rule, ...], ipv6: bool) -> tuple[Chain, ...]:
    known = [
        (remote, Rule("its remote", f"-s {remote} {_vni_matches((vni,), ipv6)[0]}", "-j RETURN"))
        for vni, remote in tunnels
    ]
    return pages(Book("mangle", ipv6, "page of remotes", _page_name, 5, refuse), known)


def _page_name(path: tuple[int, ...]) -> str:
    return "-".join((_TUNNEL, *map(str, path)))


def _vni_matches(vnis: tuple[int, ...], ipv6: bool) -> tuple[str, ...]:
    """xt_u32 tests for the VNI (RFC 7348): 12 bytes behind the start of UDP, 24 bits, 8 reserved bits after it."""
    start = "52" if ipv6 else "0>>22&0x3C@12"
    spans = [str(low) if low == high else f"{low}:{high}" for low, high in ranges(vnis)]
    chunks = [spans[at : at + _U32_RANGES] for at in range(0, len(spans), _U32_RANGES)]
    return tuple(f'-m u32 --u32 "{start}>>8={",".join(chunk)}"' for chunk in chunks)
