# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The gates of WireGuard's clients in iptables, the same for each family.

WEFT-ACCESS sends a packet by its link to the list of that link's clients, looked up by pages, and from there to the
chain of what such a client may reach. WEFT-LEAVE judges by links what is forwarded. In filter, WEFT-PASS and WEFT-OPEN
accept what these have let pass. What one link has for itself is in chains called `WEFT-<letters>-<link>`:

C, C0 …  its clients by pages         L  what they send to others     P  what the host promises them
R0, R1 … what a profile reaches       N  what is not the internet     M  what leaves with the host's address
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.access import MASQUERADE_EVERYTHING, MASQUERADE_NOTHING, Access, Reach
from ...model.firewall import Firewall
from ...model.marks import CHAIN_PREFIX
from ...model.sending import Collector
from .collecting import iptables_guard
from .iptables import LAST, Book, Chain, Rule, pages
from .iptables_tenants import by_shadow, of_network
from .rules import Family, needs_nat, networks, of_family, open_ports
from .tenants import NO_TENANTS, Tenants

_ACCESS = CHAIN_PREFIX + "ACCESS"
_LEAVE = CHAIN_PREFIX + "LEAVE"
_TOWARDS = CHAIN_PREFIX + "TOWARDS"
_ANSWERS = CHAIN_PREFIX + "ANSWERS"
_SEGMENTS = CHAIN_PREFIX + "SEGMENTS"
_PASS = CHAIN_PREFIX + "PASS"
_OPEN = CHAIN_PREFIX + "OPEN"
_VPN = CHAIN_PREFIX + "VPN"

_REPLY = "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY"
_SYN = "-p tcp -m tcp --tcp-flags SYN,RST SYN"
# xt_multiport takes at most fifteen ports.
_PORTS = 15


def chains(
    firewall: Firewall | None,
    accesses: tuple[Access, ...],
    family: Family,
    collector: Collector | None = None,
    tenants: Tenants = NO_TENANTS,
) -> tuple[Chain, ...]:
    """Those of all accesses; of the firewall only its carrier's port and pings."""
    found = []
    if open_ports(firewall, accesses):
        found.append(Chain("filter", _OPEN, tuple(_open(firewall, accesses, family)), "INPUT"))
    if accesses:
        first = (*iptables_guard(collector, accesses, family), *_translated(accesses, family, tenants))
        found += _gates(accesses, family, first, tenants)
    for access in accesses:
        found += _of_access(access, accesses, family)
    return tuple(found)


def _gates(
    accesses: tuple[Access, ...], family: Family, first: tuple[Rule, ...], tenants: Tenants
) -> tuple[Chain, ...]:
    by_shadows = tuple(Rule("by a shadow", match, "-j RETURN") for match in by_shadow(tenants, family, accesses))
    from_clients = tuple(Rule("from a client", f"-i {access.link}", f"-g {_of(access, 'L')}") for access in accesses)
    to_clients = tuple(Rule("towards clients", f"-o {access.link}", f"-g {_ANSWERS}") for access in accesses)
    answers = (Rule("answer to a client", _REPLY, "-j RETURN"), Rule("no answer", "", "-j DROP"))
    found = [
        Chain("mangle", _ACCESS, (*first, *_access(accesses, family)), "PREROUTING"),
        Chain("mangle", _LEAVE, (*by_shadows, *from_clients, Rule("other", "", f"-g {_TOWARDS}")), "FORWARD"),
        Chain("mangle", _TOWARDS, to_clients),
        Chain("mangle", _ANSWERS, answers),
        Chain("mangle", _SEGMENTS, tuple(_segments(accesses, family)), "FORWARD", when=_SYN),
        Chain("filter", _PASS, tuple(_pass(accesses)), "FORWARD"),
    ]
    nat = tuple(
        Rule("from a client", f"-s {subnet}{_whose(access, tenants)}", f"-g {_of(access, 'M')}")
        for access in accesses
        for subnet in _masqueraded(access, family)
    )
    if nat:
        # Last: an operator's own SNAT for clients wins.
        found.append(Chain("nat", _VPN, nat, "POSTROUTING", how=LAST))
    return tuple(found)


def _translated(accesses: tuple[Access, ...], family: Family, tenants: Tenants) -> Iterator[Rule]:
    """Policies alone say whom somebody reaches by a shadow, and it has been judged by them; but not the host itself.
    Of IPv6, xt_addrtype takes the server's own for UNICAST too."""
    others = "-m addrtype ! --dst-type LOCAL,ANYCAST" if family.ipv6 else "-m addrtype --dst-type UNICAST"
    for match in by_shadow(tenants, family, accesses):
        yield Rule("answer by a shadow", f"{match} {_REPLY}", "-j RETURN")
        yield Rule("by a shadow", f"{match} {others}", "-j RETURN")


def _whose(access: Access, tenants: Tenants) -> str:
    tag = tenants.tag_of(access.link)
    return "" if tag is None else " " + of_network(tag)


def _of(access: Access, letters: str) -> str:
    """A chain of one link. The letters have no dash, so no two are alike; they are at most 7 bytes, and all of it then
    at most the 28 that iptables takes."""
    return f"{CHAIN_PREFIX}{letters}-{access.link}"


def _page_name(access: Access) -> Callable[[tuple[int, ...]], str]:
    return lambda path: _of(access, "C" + "".join(format(value, "x") for value in path))


def _echo(family: Family) -> str:
    return "-p ipv6-icmp -m icmp6 --icmpv6-type 128" if family.ipv6 else "-p icmp -m icmp --icmp-type 8"


def _open(firewall: Firewall | None, accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    ports = open_ports(firewall, accesses)
    for at in range(0, len(ports), _PORTS):
        some = ",".join(map(str, ports[at : at + _PORTS]))
        yield Rule("WireGuard", f"-p udp -m multiport --dports {some}", "-j ACCEPT")
    if firewall is not None and firewall.carrier is not None:
        yield Rule("ping by the carrier", f"-i {firewall.carrier} {_echo(family)}", "-j ACCEPT")
        yield Rule("answer by the carrier", f"-i {firewall.carrier} {_REPLY}", "-j ACCEPT")
    for access in accesses:
        yield Rule("from a client", f"-i {access.link}", f"-g {_of(access, 'P')}")


def _access(accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    for access in accesses:
        yield Rule("from a client", f"-i {access.link}", f"-g {_of(access, 'C')}")
    # NAT's rules know a client by its address. Through `lo` the host speaks to itself.
    yield Rule("the host to itself", "-i lo", "-j RETURN")
    for subnet in dict.fromkeys(subnet for access in accesses for subnet in of_family(access.subnets, family)):
        yield Rule("client by another link", f"-s {subnet}", "-j DROP")


def _segments(accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    """TCP's segments fit into the tunnel, in both directions; the kernel never raises what an end asked for."""
    for access in accesses:
        for key in ("-i", "-o"):
            size = f"-j TCPMSS --set-mss {access.mtu - family.overhead}"
            yield Rule("segments fit", f"{key} {access.link} {_SYN}", size)


def _pass(accesses: tuple[Access, ...]) -> Iterator[Rule]:
    """What passed the guards. Where the host sends it elsewhere by DNAT, the host decides (Docker accepts it)."""
    for access in accesses:
        yield Rule("from a client", f"-i {access.link} -m conntrack ! --ctstate DNAT", "-j ACCEPT")
        yield Rule("answer to a client", f"-o {access.link} {_REPLY}", "-j ACCEPT")


def _of_access(access: Access, accesses: tuple[Access, ...], family: Family) -> Iterator[Chain]:
    known = [
        (address, Rule("client", f"-s {address}", f"-g {_of(access, f'R{number}')}"))
        for number, reach in enumerate(access.reaches)
        for address in of_family(reach.clients, family)
    ]
    nobody = Rule("not a client", "", "-j DROP")
    yield from pages(Book("mangle", family.ipv6, "page of clients", _page_name(access), 6, (nobody,)), known)
    for number, reach in enumerate(access.reaches):
        if of_family(reach.clients, family):
            yield Chain("mangle", _of(access, f"R{number}"), tuple(_reach(access, reach, family)))
    if any(reach.internet and of_family(reach.clients, family) for reach in access.reaches):
        yield Chain("mangle", _of(access, "N"), tuple(_to("not the internet", access.internal, family, "", "-j DROP")))
    yield Chain("mangle", _of(access, "L"), tuple(_forwarded(access, family)))
    answer = Rule("answer to the host", _REPLY, "-j ACCEPT")
    yield Chain("filter", _of(access, "P"), (answer, *_promised(access, family, "-j ACCEPT")))
    if _masqueraded(access, family):
        yield Chain("nat", _of(access, "M"), tuple(_masquerade(access, accesses, family)))


def _reach(access: Access, reach: Reach, family: Family) -> Iterator[Rule]:
    """Order: what every client may, what none of this profile may, the server itself, the rest of the world."""
    local = "-m addrtype --dst-type "
    yield Rule("answer", _REPLY, "-j RETURN")
    yield from _promised(access, family, "-j RETURN")
    yield from _to("excluded", reach.excluded, family, "", "-j DROP")
    if reach.host:
        itself = (*access.addresses, *reach.prefixes)
        yield from _to("the server itself", itself, family, local + "LOCAL", "-j RETURN")
    # Also the broadcast and anycast addresses of the server's links, which it would answer to. Of IPv6, xt_addrtype
    # takes the server's own for UNICAST too.
    other = local + "LOCAL,ANYCAST" if family.ipv6 else "-m addrtype ! --dst-type UNICAST"
    yield Rule("no other address of the server", other, "-j DROP")
    yield from _to("other clients", access.subnets, family, "", "-j RETURN" if reach.neighbours else "-j DROP")
    yield from _to("its networks", reach.prefixes, family, "", "-j RETURN")
    beyond = Rule(f"beyond profile {reach.profile}", "", "-j DROP")
    yield Rule("the internet", "", f"-g {_of(access, 'N')}") if reach.internet else beyond


def _promised(access: Access, family: Family, target: str) -> Iterator[Rule]:
    for protocol in ("udp", "tcp"):
        yield from _to("resolver", access.dns, family, f"-p {protocol} -m {protocol} --dport 53", target)
    yield from _to("ping", access.addresses, family, _echo(family), target)


def _to(words: str, prefixes: tuple[str, ...], family: Family, rest: str, target: str) -> Iterator[Rule]:
    for prefix in networks(prefixes, family):
        yield Rule(words, f"-d {prefix} {rest}".strip(), target)


def _forwarded(access: Access, family: Family) -> Iterator[Rule]:
    """What the guard let pass, judged by where it goes out: neighbours by the same link, and nothing else by it."""
    same = f"-o {access.link}"
    yield from _to("to a neighbour", access.subnets, family, same, "-j RETURN")
    yield Rule("to nobody by this link", same, "-j DROP")
    yield from _to("to a neighbour by another link", access.subnets, family, "", "-j DROP")
    yield Rule("answer to who may not ask", "-m conntrack --ctdir REPLY", "-j DROP")
    yield Rule("other", "", f"-g {_TOWARDS}")


def _masqueraded(access: Access, family: Family) -> tuple[str, ...]:
    subnets = () if access.masquerade == MASQUERADE_NOTHING else of_family(access.subnets, family)
    return tuple(subnet for subnet in subnets if needs_nat(subnet))


def _masquerade(access: Access, accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    if access.masquerade == MASQUERADE_EVERYTHING:
        for other in accesses:
            yield Rule("client to client", f"-o {other.link}", "-j RETURN")
    else:
        yield from _to("not the internet", access.internal, family, "", "-j RETURN")
    yield Rule("leaves with the address of the host", "", "-j MASQUERADE")
