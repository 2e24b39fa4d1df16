# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gates of WireGuard's clients in our nftables table.

access_guard sends a packet by its link and its source, one look into a set each, to the chain of what such a client
may reach; access_scope judges by links what is forwarded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...model.access import MASQUERADE_EVERYTHING, MASQUERADE_NOTHING, Access, Reach
from ...model.sending import Collector
from .collecting import nft_guard
from .nft import Chain, Rules, names, set_of
from .nft_tenants import by_shadow, of_network
from .rules import IPV4, IPV6, Family, label, needs_nat, networks, of_family
from .tenants import NO_TENANTS, Tenants, sharing

# Only the direction tells who began: a client must not keep what it may no longer reach by having it open.
_ANSWER = "ct direction reply ct state established,related"


class _Words(NamedTuple):
    """What nft calls things of one family: its header, its ICMP, and its number in `meta nfproto`."""

    family: Family
    header: str
    icmp: str
    protocol: str


_FAMILIES = (_Words(IPV4, "ip", "icmp", "ipv4"), _Words(IPV6, "ip6", "icmpv6", "ipv6"))


def chains(
    accesses: tuple[Access, ...], collector: Collector | None = None, tenants: Tenants = NO_TENANTS
) -> tuple[Chain, ...]:
    if not accesses:
        return ()
    first = (*nft_guard(collector, accesses), *_translated(accesses, tenants))
    guard = (*first, _by_link("what a client may reach", "iifname", "goto clients", accesses), *_elsewhere(accesses))
    found = [
        Chain("access_guard", "type filter hook prerouting priority mangle; policy accept;", guard),
        Chain("access_scope", "type filter hook forward priority mangle; policy accept;", _scope(accesses, tenants)),
    ]
    nat = tuple(rule for access in accesses for rule in _masquerade(access, accesses, tenants))
    if nat:
        found.append(Chain("access_nat", "type nat hook postrouting priority srcnat; policy accept;", nat))
    for access in accesses:
        name = label(access.link)
        found += [Chain(f"clients_{name}", "", _clients(access)), Chain(f"leave_{name}", "", _leave(access))]
        for number, reach in enumerate(access.reaches):
            found.append(Chain(f"reach_{name}_{number}", "", tuple(_reach(access, reach))))
    return tuple(found)


def _by_link(words: str, key: str, to: str, accesses: tuple[Access, ...]) -> tuple[str, str]:
    verdicts = set_of(f'"{access.link}" : {to}_{label(access.link)}' for access in accesses)
    return words, f"{key} vmap {verdicts}"


def _translated(accesses: tuple[Access, ...], tenants: Tenants) -> Iterator[tuple[str, str]]:
    """Policies alone say whom somebody reaches by a shadow, and it has been judged by them; but not the host itself."""
    for match in by_shadow(tenants):
        of_clients = f"iifname {names(access.link for access in accesses)} {match}"
        yield "answer by a shadow", f"{of_clients} {_ANSWER} accept"
        yield "by a shadow", f"{of_clients} fib daddr type unicast accept"


def _elsewhere(accesses: tuple[Access, ...]) -> Rules:
    """firewalld's rules and NAT's know a client by its address. Through `lo` the host speaks to itself."""
    homes = {access.link: ("lo", *(other.link for other in sharing(access, accesses))) for access in accesses}
    found = (
        ("client by another link", f"iifname != {names(homes[access.link])} {words.header} saddr {subnet} drop")
        for access in accesses
        for words in _FAMILIES
        for subnet in of_family(access.subnets, words.family)
    )
    return tuple(dict.fromkeys(found))


def _clients(access: Access) -> Rules:
    found = []
    for words in _FAMILIES:
        reach_of = {
            address: number
            for number, reach in enumerate(access.reaches)
            for address in of_family(reach.clients, words.family)
        }
        if reach_of:
            to = f"goto reach_{label(access.link)}"
            verdicts = set_of(f"{address} : {to}_{number}" for address, number in reach_of.items())
            found.append(("clients", f"{words.header} saddr vmap {verdicts}"))
    return (*found, ("not a client", "drop"))


def _reach(access: Access, reach: Reach) -> Iterator[tuple[str, str]]:
    """Order: what every client may, what none of this profile may, the server itself, the rest of the world."""
    families = [words for words in _FAMILIES if of_family(reach.clients, words.family)]
    yield "answer", f"{_ANSWER} accept"
    for words in families:
        yield from _promised(access, words)
    for words in families:
        yield from _to(words, "excluded", reach.excluded, "drop")
    for words in families if reach.host else ():
        yield from _to(words, "the server itself", (*access.addresses, *reach.prefixes), "fib daddr type local accept")
    # Also the broadcast and anycast addresses of the server's links, which it would answer to.
    yield "no other address of the server", "fib daddr type != unicast drop"
    for words in families:
        yield from _to(words, "other clients", access.subnets, "accept" if reach.neighbours else "drop")
    for words in families:
        yield from _to(words, "its networks", reach.prefixes, "accept")
    for words in families if reach.internet else ():
        yield "the internet", f"{_beyond(words, access.internal)} accept"
    yield f"beyond profile {reach.profile}", "drop"


def _promised(access: Access, words: _Words) -> Iterator[tuple[str, str]]:
    for protocol in ("udp", "tcp"):
        yield from _to(words, "resolver", access.dns, f"{protocol} dport 53 accept")
    yield from _to(words, "ping", access.addresses, f"{words.icmp} type echo-request accept")


def _to(words: _Words, why: str, prefixes: tuple[str, ...], rest: str) -> Iterator[tuple[str, str]]:
    found = networks(prefixes, words.family)
    if found:
        yield why, f"{words.header} daddr {set_of(found)} {rest}"


def _beyond(words: _Words, prefixes: tuple[str, ...]) -> str:
    found = networks(prefixes, words.family)
    return f"{words.header} daddr != {set_of(found)}" if found else f"meta nfproto {words.protocol}"


def _scope(accesses: tuple[Access, ...], tenants: Tenants) -> Rules:
    from_clients = f"iifname {names(access.link for access in accesses)}"
    clients = f"oifname {names(access.link for access in accesses)}"
    return (
        *_segments(accesses),
        *(("by a shadow", f"{from_clients} {match} accept") for match in by_shadow(tenants)),
        _by_link("from a client", "iifname", "jump leave", accesses),
        ("answer to a client", f"{clients} {_ANSWER} accept"),
        ("towards clients", f"{clients} drop"),
    )


def _segments(accesses: tuple[Access, ...]) -> Rules:
    """TCP's segments fit into the tunnel, in both directions; the kernel never raises what an end asked for."""
    found = []
    for mtu in sorted({access.mtu for access in accesses}):
        links = names(access.link for access in accesses if access.mtu == mtu)
        for words in _FAMILIES:
            size = f"tcp flags & (syn|rst) == syn tcp option maxseg size set {mtu - words.family.overhead}"
            rest = f"{links} meta nfproto {words.protocol} {size}"
            found += [("segments fit", f"{key} {rest}") for key in ("iifname", "oifname")]
    return tuple(found)


def _leave(access: Access) -> Rules:
    """What the guard let pass, judged by where it goes out: neighbours by the same link, and nothing else by it."""
    same = f'oifname "{access.link}"'
    subnets = [
        (f"{words.header} daddr {set_of(found)}", words)
        for words in _FAMILIES
        if (found := networks(access.subnets, words.family))
    ]
    return (
        *(("to a neighbour", f"{same} {subnet} accept") for subnet, _words in subnets),
        ("to nobody by this link", f"{same} drop"),
        *(("to a neighbour by another link", f"{subnet} drop") for subnet, _words in subnets),
        ("answer to who may not ask", "ct direction reply drop"),
    )


def _masquerade(access: Access, accesses: tuple[Access, ...], tenants: Tenants) -> Iterator[tuple[str, str]]:
    tag = tenants.tag_of(access.link)
    whose = "" if tag is None else of_network(tag) + " "
    for words in _FAMILIES if access.masquerade != MASQUERADE_NOTHING else ():
        if access.masquerade == MASQUERADE_EVERYTHING:
            words_of, where = "client to everything", f"oifname != {names(other.link for other in accesses)}"
        else:
            words_of, where = "client to internet", _beyond(words, access.internal)
        for subnet in of_family(access.subnets, words.family):
            if needs_nat(subnet):
                yield words_of, f"{whose}{words.header} saddr {subnet} {where} masquerade"
