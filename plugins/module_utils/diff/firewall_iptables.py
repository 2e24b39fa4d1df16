# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The policy as iptables chains of our own, for the nft and the legacy back end alike.

Guards sit where nobody else's ACCEPT comes first (raw and mangle); accepts sit in filter, where Docker and others set
the policy to DROP. Tables are written guards first: at no moment is something accepted that no guard has seen.

A packet of a tunnel walks the list of remotes, each with its VNI: up to PAGE one by one, more in pages chosen by the
last bits of the address, so that 255 remotes cost at most 16 + 16 comparisons where their last bits differ evenly.
IPv6 by our own links needs no rule: it is switched off on them.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.firewall import Firewall, Ruleset
from ..model.marks import CHAIN_PREFIX, LINK_GROUP
from .firewall_rules import Tunnels, by_family, comment, ranges

PAGE = 16
# xt_u32 takes at most ten ranges in one test.
_U32_RANGES = 10

FIRST, LAST = "-I", "-A"

_SOURCE = CHAIN_PREFIX + "SOURCE"
_TUNNEL = CHAIN_PREFIX + "TUNNEL"
_SCOPE = CHAIN_PREFIX + "SCOPE"
_REDIRECT = CHAIN_PREFIX + "REDIRECT"
_INPUT = CHAIN_PREFIX + "INPUT"
_FORWARD = CHAIN_PREFIX + "FORWARD"
_NAT = CHAIN_PREFIX + "NAT"

_IN = f"-m devgroup --src-group {LINK_GROUP:#x}"
_OUT = f"-m devgroup --dst-group {LINK_GROUP:#x}"
_BOTH = f"-m devgroup --src-group {LINK_GROUP:#x} --dst-group {LINK_GROUP:#x}"
_ONLY_IN = f"-m devgroup --src-group {LINK_GROUP:#x} ! --dst-group {LINK_GROUP:#x}"
_NOT_OUT = f"-m devgroup ! --dst-group {LINK_GROUP:#x}"


class Rule(NamedTuple):
    """words for the reader, match and target as iptables takes them (`-s 10.0.0.0/8`, `-j DROP`)."""

    words: str
    match: str
    target: str


class Chain(NamedTuple):
    """hook: the built-in chain that it is called from, None for a page of another chain; how: FIRST or LAST there;
    when: the match of that call, "" for every packet."""

    table: str
    name: str
    rules: tuple[Rule, ...]
    hook: str | None = None
    how: str = FIRST
    when: str = ""


def ruleset(firewall: Firewall, backend: str) -> Ruleset:
    """The chains as a Ruleset. Its script is input of iptables-restore, then of ip6tables-restore, each part below
    its heading; ``-I`` of a hook says where it goes when it is missing, not that it is inserted a second time."""
    ipv4, ipv6 = by_family(firewall)
    families = {"iptables": _ipv4(firewall, ipv4)}
    if ipv6:
        families["ip6tables"] = _tunnel(firewall, ipv6)
    signature: list[str] = []
    script: list[str] = []
    for family, chains in families.items():
        script.append("# " + family)
        for table in ("raw", "mangle", "filter", "nat"):
            mine = sorted((chain for chain in chains if chain.table == table), key=lambda chain: chain.name)
            if mine:
                hooks, rules = _hooks(mine), _rules(mine)
                script += ["*" + table, *(f":{chain.name} - [0:0]" for chain in mine)]
                script += [line for _mark, line in hooks + rules] + ["COMMIT"]
                signature += [f"{family} {table} {mark}" for mark, _line in hooks + rules]
    return Ruleset(backend, tuple(signature), "\n".join(script) + "\n")


def _hooks(chains: list[Chain]) -> list[tuple[str, str]]:
    return [
        _line(chain.how, chain.hook, Rule("way in", chain.when, "-j " + chain.name))
        for chain in sorted(chains, key=lambda chain: chain.hook or "")
        if chain.hook
    ]


def _rules(chains: list[Chain]) -> list[tuple[str, str]]:
    return [_line("-A", chain.name, rule) for chain in chains for rule in chain.rules]


def _line(how: str, chain: str, rule: Rule) -> tuple[str, str]:
    note = comment(rule.words, chain, f"{rule.match} {rule.target}")
    match = rule.match + " " if rule.match else ""
    return f"{chain} {note}", f'{how} {chain} {match}-m comment --comment "{note}" {rule.target}'


def _ipv4(firewall: Firewall, tunnels: Tunnels) -> tuple[Chain, ...]:
    source = (
        Rule("source outside the overlay", f"! -s {firewall.cidr}", "-j DROP"),
        Rule("source of another link", "-m rpfilter --invert", "-j DROP"),
    )
    chains = [
        Chain("raw", _SOURCE, source, "PREROUTING", when=_IN),
        # In mangle, so that no ACCEPT of Docker comes before it.
        Chain("mangle", _SCOPE, _scope(firewall, refuse=True), "FORWARD"),
        Chain("filter", _FORWARD, _scope(firewall, refuse=False), "FORWARD"),
    ]
    if firewall.bridge is not None:
        redirect = Rule("no redirect past the gateway", f"-p icmp -m icmp --icmp-type 5 {_OUT}", "-j DROP")
        chains.append(Chain("mangle", _REDIRECT, (redirect,), "OUTPUT"))
    if firewall.masquerade and firewall.subnet is not None:
        match = f"-s {firewall.subnet} ! -d {firewall.cidr} {_NOT_OUT}"
        # Last: an operator's own SNAT for these containers wins.
        chains.append(
            Chain("nat", _NAT, (Rule("overlay to internet", match, "-j MASQUERADE"),), "POSTROUTING", how=LAST)
        )
    if tunnels:
        chains += _tunnel(firewall, tunnels)
    return tuple(chains)


def _scope(firewall: Firewall, refuse: bool) -> tuple[Rule, ...]:
    """The same cases twice: in mangle what fits returns and the rest is dropped, in filter what fits is accepted."""
    fits = "-j RETURN" if refuse else "-j ACCEPT"
    cidr, subnet = firewall.cidr, firewall.subnet
    out = (Rule("out of the overlay", _IN, "-j DROP"),) if refuse else ()
    into = (Rule("into the overlay", _OUT, "-j DROP"),) if refuse else ()
    within = Rule("overlay to overlay", f"-s {cidr} -d {cidr} {_BOTH}", fits)
    if firewall.bridge is None or subnet is None:
        return (within, *out, *into)
    return (
        within,
        Rule("container to internet", f"-s {subnet} ! -d {cidr} {_ONLY_IN}", fits),
        *out,
        Rule("answer to a container", f"{_OUT} -m conntrack --ctstate RELATED,ESTABLISHED", fits),
        Rule("published port", f"{_OUT} -m conntrack --ctstate DNAT", fits),
        *into,
    )


def _tunnel(firewall: Firewall, tunnels: Tunnels) -> tuple[Chain, ...]:
    """Guard in mangle; in filter one look at the VNI is enough, what carries ours has passed the guard."""
    if not firewall.vnis:
        return ()
    ipv6 = ":" in tunnels[0][1]
    udp = f"-p udp -m udp --dport {firewall.port}"
    ours = _vni_matches(firewall.vnis, ipv6)
    refuse = tuple(Rule("tunnel not from its remote", f"-p udp {match}", "-j DROP") for match in ours)
    if ipv6:
        # u32 counts from the fixed header, so what has others before UDP would show it no VNI.
        headers = "-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ah --soft"
        refuse = (Rule("tunnel behind extension headers", headers, "-j DROP"), *refuse)
    accept = tuple(Rule("tunnel from its remote", f"-p udp {match}", "-j ACCEPT") for match in ours)
    guards = _guards(tunnels, refuse, ipv6)
    return (
        Chain("mangle", _TUNNEL, guards[0].rules, "INPUT", when=udp),
        *guards[1:],
        Chain("filter", _INPUT, accept, "INPUT", when=udp),
    )


def _guards(tunnels: Tunnels, refuse: tuple[Rule, ...], ipv6: bool) -> tuple[Chain, ...]:
    known = [
        (remote, Rule("its remote", f"-s {remote} {_vni_matches((vni,), ipv6)[0]}", "-j RETURN"))
        for vni, remote in tunnels
    ]
    if len(known) <= PAGE:
        return (Chain("mangle", _TUNNEL, (*(rule for _remote, rule in known), *refuse)),)
    pages: dict[int, list[Rule]] = {}
    for remote, rule in known:
        pages.setdefault(_last_bits(remote), []).append(rule)
    mask = "::{0:x}/::f" if ipv6 else "0.0.0.{0}/0.0.0.15"
    # Reached by goto: RETURN leads back to where the first chain was called from.
    index = tuple(Rule("page of remotes", "-s " + mask.format(page), f"-g {_TUNNEL}-{page}") for page in sorted(pages))
    return (
        Chain("mangle", _TUNNEL, (*index, *refuse)),
        *(Chain("mangle", f"{_TUNNEL}-{page}", (*pages[page], *refuse)) for page in sorted(pages)),
    )


def _last_bits(address: str) -> int:
    """The last four bits of an address; of an IPv6 one those of its last group ("fd00::" ends in an empty one, 0)."""
    if ":" in address:
        return int(address[-1], 16) if address[-1] != ":" else 0
    return int(address.rsplit(".", 1)[1]) % PAGE


def _vni_matches(vnis: tuple[int, ...], ipv6: bool) -> tuple[str, ...]:
    """xt_u32 tests for the VNI (RFC 7348): 12 bytes behind the start of UDP, 24 bits, 8 reserved bits after it."""
    start = "52" if ipv6 else "0>>22&0x3C@12"
    spans = [str(low) if low == high else f"{low}:{high}" for low, high in ranges(vnis)]
    chunks = [spans[at : at + _U32_RANGES] for at in range(0, len(spans), _U32_RANGES)]
    return tuple(f'-m u32 --u32 "{start}>>8={",".join(chunk)}"' for chunk in chunks)
