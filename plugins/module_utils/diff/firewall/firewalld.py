# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What firewalld itself has to hold beside our table, which can only refuse and never overrule firewalld's refusal.

Nothing here names a runner or a client, so that a new one needs no reload: who may send is the business of our table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Union

from ...model.access import Access
from ...model.firewall import DirectRule, Firewall, FirewalldPolicy, ZoneInterface
from ...model.marks import (
    FIREWALLD_CLAIM,
    FIREWALLD_CLIENTS,
    FIREWALLD_FORWARD,
    FIREWALLD_POLICY,
    FIREWALLD_PROMISES,
    LINK_GROUP,
)
from ...model.sending import Collector
from .collecting import firewalld_rules
from .rules import IPV4, IPV6, comment, of_family, open_ports
from .tenants import NO_TENANTS, Tenants

_POLICY = """<?xml version="1.0" encoding="utf-8"?>
<policy priority="-1" target="CONTINUE">
  <short>{name}</short>
  <description>{claim}</description>
{body}
</policy>
"""
_RULE = """\
  <rule family="{family}">
{body}
    <accept/>
  </rule>"""

_FAMILIES = (("ipv4", IPV4), ("ipv6", IPV6))
_ANSWER = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "--ctdir", "REPLY")


def objects(
    firewall: Firewall | None,
    accesses: tuple[Access, ...],
    collector: Collector | None = None,
    tenants: Tenants = NO_TENANTS,
) -> tuple[Union[FirewalldPolicy, ZoneInterface, DirectRule], ...]:
    """Policies, an entry in its zone for each of our interface names, and ways past Docker's DROP.

    A zone entry has no room for a mark, so the first policy's description names our entries.
    On a runner Docker accepts what its own bridge forwards, and puts that back itself after a reload.
    """
    entries = _entries(firewall, accesses)
    claim = " ".join((FIREWALLD_CLAIM, *sorted({entry.interface for entry in entries})))
    policies = [_policy(FIREWALLD_POLICY, _ports(firewall, accesses, collector), claim)]
    if firewall is not None:
        policies.append(_policy(FIREWALLD_FORWARD, _forward((firewall.zone,), (firewall.cidr, *tenants.shadows))))
    if accesses:
        zones = sorted({access.zone for access in accesses})
        subnets = [*dict.fromkeys(subnet for access in accesses for subnet in access.subnets), *tenants.shadows]
        policies.append(_policy(FIREWALLD_CLIENTS, _forward(zones, subnets)))
        # Of tenants with the same addresses the same is said.
        policies.append(_policy(FIREWALLD_PROMISES, dict.fromkeys(_promises(zones, accesses))))
    return (*policies, *entries, *_overlay_past_docker(firewall, tenants), *_clients_past_docker(accesses, tenants))


def _entries(firewall: Firewall | None, accesses: tuple[Access, ...]) -> tuple[ZoneInterface, ...]:
    overlay = [(firewall.zone, name) for name in firewall.zone_interfaces] if firewall else []
    gates = [(access.zone, access.link) for access in accesses]
    return tuple(ZoneInterface(zone, name) for zone, name in (*sorted(set(overlay)), *gates))


def _policy(name: str, body: Iterable[str], claim: str = FIREWALLD_CLAIM) -> FirewalldPolicy:
    return FirewalldPolicy(name, _POLICY.format(name=name, claim=claim, body="\n".join(body)))


def _ports(firewall: Firewall | None, accesses: tuple[Access, ...], collector: Collector | None) -> Iterator[str]:
    yield from _between(("ANY",), "HOST")
    for port in ((firewall.port,) if firewall else ()) + open_ports(firewall, accesses):
        yield f'  <port port="{port}" protocol="udp"/>'
    for family, elements in firewalld_rules(collector):
        yield _rule(family, *elements)


def _forward(zones: Iterable[str], sources: Iterable[str]) -> Iterator[str]:
    """Zone `trusted` forwards by itself; any other does so only for what this policy accepts."""
    yield from _between(zones, "ANY")
    for name, family in _FAMILIES:
        for source in of_family(sources, family):
            yield _rule(name, f'<source address="{source}"/>')


def _promises(zones: Iterable[str], accesses: tuple[Access, ...]) -> Iterator[str]:
    yield from _between(zones, "HOST")
    for access in accesses:
        for name, family in _FAMILIES:
            for subnet in of_family(access.subnets, family):
                source = f'<source address="{subnet}"/>'
                for address in of_family(access.dns, family):
                    for protocol in ("tcp", "udp"):
                        port = f'<port port="53" protocol="{protocol}"/>'
                        yield _rule(name, source, f'<destination address="{address}"/>', port)
                for address in of_family(access.addresses, family):
                    echo = '<icmp-type name="echo-request"/>'
                    yield _rule(name, source, f'<destination address="{address}"/>', echo)


def _between(ingress: Iterable[str], egress: str) -> Iterator[str]:
    for zone in ingress:
        yield f'  <ingress-zone name="{zone}"/>'
    yield f'  <egress-zone name="{egress}"/>'


def _rule(family: str, *elements: str) -> str:
    return _RULE.format(family=family, body="\n".join("    " + element for element in elements))


def _overlay_past_docker(firewall: Firewall | None, tenants: Tenants) -> Iterator[DirectRule]:
    if firewall is None or firewall.bridge is not None:
        return
    group, cidr = f"{LINK_GROUP:#x}", firewall.cidr
    match = ("-m", "devgroup", "--src-group", group, "--dst-group", group)
    yield _accept("ipv4", "overlay to overlay", (*match, "-s", cidr, "-d", cidr))
    shadows = of_family(tenants.shadows, IPV4)
    if shadows:
        yield _accept("ipv4", "by a shadow", (*match, "-s", ",".join(shadows), "-d", cidr))


def _clients_past_docker(accesses: tuple[Access, ...], tenants: Tenants) -> Iterator[DirectRule]:
    """Two for each family, however many links there are, as each takes firewalld a while. Our table has seen to it that
    these sources came by their own link. Docker accepts what it has sent elsewhere by DNAT, or refuses it there."""
    for name, family in _FAMILIES:
        subnets = of_family({subnet for access in accesses for subnet in access.subnets}, family)
        if subnets:
            sources = ",".join((*subnets, *of_family(tenants.shadows, family)))
            yield _accept(name, "from a client", ("-s", sources, "-m", "conntrack", "!", "--ctstate", "DNAT"))
            yield _accept(name, "answer to a client", ("-d", ",".join(subnets), *_ANSWER))


def _accept(family: str, words: str, match: tuple[str, ...]) -> DirectRule:
    note = comment(words, "FORWARD", " ".join(match))
    return DirectRule(family, "filter", "FORWARD", (*match, "-m", "comment", "--comment", note, "-j", "ACCEPT"))
