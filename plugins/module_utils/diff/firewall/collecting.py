# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The port that denials of other hosts arrive at, open for those that send them; also for those among them that are
clients of an interface of this host, whatever their profile says.

Our nftables table can only refuse, so where there is nothing but nft the port is as open as the host's own rules make
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from ...model.access import Access
from ...model.marks import CHAIN_PREFIX
from ...model.sending import Collector
from .iptables import Chain, Rule
from .nft import names, set_of
from .rules import IPV4, IPV6, Family, of_family

_WORDS = "denials of hosts"
_CHAIN = CHAIN_PREFIX + "COLLECT"
_HEADERS = ((IPV4, "ip"), (IPV6, "ip6"))


def members(collector: Collector, access: Access, family: Family) -> tuple[str, ...]:
    """Addresses of those who send and are clients of an interface."""
    if not of_family(collector.addresses, family):
        return ()
    mine = [ip_network(subnet) for subnet in of_family(access.subnets, family)]
    found = of_family(collector.sources, family)
    return tuple(address for address in found if any(ip_address(address) in subnet for subnet in mine))


def nft_guard(collector: Collector | None, accesses: tuple[Access, ...]) -> Iterator[tuple[str, str]]:
    """Rules that come before what a client may reach. Who has such an address comes by this link alone."""
    if collector is None:
        return
    for access in accesses:
        for family, header in _HEADERS:
            sources = members(collector, access, family)
            if sources:
                to = f"{header} daddr {set_of(of_family(collector.addresses, family))} tcp dport {collector.port}"
                yield _WORDS, f"iifname {names((access.link,))} {header} saddr {set_of(sources)} {to} accept"


def iptables_guard(collector: Collector | None, accesses: tuple[Access, ...], family: Family) -> Iterator[Rule]:
    if collector is None:
        return
    for access in accesses:
        for source in members(collector, access, family):
            for match in _matches(collector, family, f"-i {access.link} -s {source} "):
                yield Rule(_WORDS, match, "-j RETURN")


def iptables_chains(collector: Collector | None, family: Family) -> tuple[Chain, ...]:
    if collector is None:
        return ()
    # Where nobody's address is known, whoever comes has to have a certificate.
    sources = [f"-s {source} " for source in of_family(collector.sources, family)] if collector.sources else [""]
    rules = [Rule(_WORDS, match, "-j ACCEPT") for source in sources for match in _matches(collector, family, source)]
    return (Chain("filter", _CHAIN, tuple(rules), "INPUT"),) if rules else ()


def firewalld_rules(collector: Collector | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(family, elements) of rich rules that accept; each takes a while, so not one for each address of this host."""
    if collector is None:
        return
    port = f'<port port="{collector.port}" protocol="tcp"/>'
    for family, name in ((IPV4, "ipv4"), (IPV6, "ipv6")):
        if of_family(collector.addresses, family):
            yield from ((name, (f'<source address="{one}"/>', port)) for one in of_family(collector.sources, family))
            if not collector.sources:
                yield name, (port,)


def _matches(collector: Collector, family: Family, source: str) -> Iterator[str]:
    for address in of_family(collector.addresses, family):
        yield f"{source}-d {address} -p tcp -m tcp --dport {collector.port}"
