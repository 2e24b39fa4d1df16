# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What firewalld itself has to hold beside our table, which can only refuse and never overrule firewalld's refusal."""

from __future__ import annotations

from typing import Union

from ..model.firewall import DirectRule, Firewall, FirewalldPolicy, ZoneInterface
from ..model.marks import FIREWALLD_CLAIM, FIREWALLD_FORWARD, FIREWALLD_POLICY, LINK_GROUP
from .firewall_rules import comment

_POLICY = """<?xml version="1.0" encoding="utf-8"?>
<policy priority="-1" target="CONTINUE">
  <short>{name}</short>
  <description>{claim}</description>
{body}
</policy>
"""


def objects(firewall: Firewall) -> tuple[Union[FirewalldPolicy, ZoneInterface, DirectRule], ...]:
    """Two policies, an entry in the zone for each of our interface names and, on a hub, a way past Docker's DROP.

    A zone entry has no room for a mark, so the first policy's description names our entries.
    On a runner Docker accepts what its own bridge forwards, and puts that back itself after a reload.
    """
    entries = tuple(ZoneInterface(firewall.zone, name) for name in sorted(set(firewall.zone_interfaces)))
    claim = " ".join((FIREWALLD_CLAIM, *(entry.interface for entry in entries)))
    tunnel = _POLICY.format(name=FIREWALLD_POLICY, claim=claim, body=_tunnel(firewall))
    forward = _POLICY.format(name=FIREWALLD_FORWARD, claim=FIREWALLD_CLAIM, body=_forward(firewall))
    policies = (FirewalldPolicy(FIREWALLD_POLICY, tunnel), FirewalldPolicy(FIREWALLD_FORWARD, forward))
    direct = () if firewall.bridge is not None else (_past_docker(firewall),)
    return (*policies, *entries, *direct)


def _tunnel(firewall: Firewall) -> str:
    """Static, so that a new runner needs no reload: who may send is the business of our table."""
    return f"""\
  <ingress-zone name="ANY"/>
  <egress-zone name="HOST"/>
  <port port="{firewall.port}" protocol="udp"/>"""


def _forward(firewall: Firewall) -> str:
    """Zone `trusted` forwards by itself; any other does so only for what this policy accepts."""
    return f"""\
  <ingress-zone name="{firewall.zone}"/>
  <egress-zone name="ANY"/>
  <rule family="ipv4">
    <source address="{firewall.cidr}"/>
    <accept/>
  </rule>"""


def _past_docker(firewall: Firewall) -> DirectRule:
    cidr = firewall.cidr
    match = (
        *("-m", "devgroup", "--src-group", f"{LINK_GROUP:#x}", "--dst-group", f"{LINK_GROUP:#x}"),
        *("-s", cidr, "-d", cidr),
    )
    note = comment("overlay to overlay", "FORWARD", " ".join(match))
    return DirectRule("ipv4", "filter", "FORWARD", (*match, "-m", "comment", "--comment", note, "-j", "ACCEPT"))
