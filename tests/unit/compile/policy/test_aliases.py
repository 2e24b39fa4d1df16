# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""By a shadow somebody speaks only where another host of ours has translated before."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.aliases import with_aliases
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.host import Interface, with_interfaces
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, PEER, SHADOW

DOMAIN = """
shadows: [100.64.0.0/10]
networks:
  dev: {cidrs: [10.20.0.0/16], peered: [prod]}
  prod: {cidrs: [10.20.0.0/16], peered: [dev]}
namespaces: {build: {network: dev}, web: {network: prod}}
peers:
  runner: {namespace: build, addresses: [10.20.1.1]}
  builders: {namespace: build, subnets: [10.20.1.0/24]}
  api: {namespace: web, addresses: [10.20.1.1]}
policies:
  out: {network: dev, select: {}, egress: [{to: [{namespaces: {}}]}, {to: [{cidr: 100.64.9.0/24}]}]}
  in: {network: prod, select: {}, ingress: [{from: [{namespaces: {}}], ports: [{protocol: TCP, port: 443}]}]}
"""
# dev sees prod's 10.20.0.0/16 as 100.64.0.0/16, and prod dev's as 100.65.0.0/16
WIREGUARD, TUNNEL, OTHER, SPARE = 1, 2, 3, 4
SPEAKS = ("10.20.1.0/24",)


def host(behind=()):
    maps = compile_policy(parse_tenancy(DOMAIN, "domain.yaml"), {}, EMPTY).maps
    interfaces = {
        "wg0": Interface(WIREGUARD, 0, ("runner", "builders"), SPEAKS),
        "vx7": Interface(TUNNEL, 0, ("runner", "builders"), SPEAKS, ("10.20.1.9",)),
        "vx8": Interface(OTHER, 0, ("api",)),
        "vx9": Interface(SPARE, 0, None, ("10.20.9.0/24",)),
    }
    found = with_interfaces(maps, "hub", interfaces)
    assert found.faults == ()
    return with_aliases(found.maps, behind)


def judged(maps, attachment, source, destination):
    found = Judge(maps).judge_at(attachment, source, destination, 6, 443)
    return (found.verdict == ALLOW, found.reason and found.reason.name, found.source.name, found.destination.name)


def test_without_other_hosts_behind_it_nobody_speaks_by_a_shadow():
    maps = host()
    assert not [place for place in maps.sources if place.endpoint.flags & SHADOW]
    assert judged(maps, WIREGUARD, "10.20.1.1", "100.64.1.1") == (True, None, "runner", "api")
    assert judged(maps, TUNNEL, "100.65.1.1", "10.20.1.1")[1] == "SOURCE"


def test_what_was_translated_is_of_who_has_sent_it():
    maps = host((TUNNEL, OTHER))
    assert judged(maps, TUNNEL, "100.65.1.1", "10.20.1.1") == (True, None, "runner", "api")
    assert judged(maps, TUNNEL, "100.65.1.7", "10.20.1.1") == (True, None, "builders", "api")
    assert judged(maps, TUNNEL, "100.65.1.9", "10.20.1.1")[1] == "SOURCE"
    assert judged(maps, OTHER, "100.64.1.1", "10.20.1.1") == (False, "NO_RULE", "api", "runner")
    assert judged(maps, TUNNEL, "100.64.1.1", "10.20.1.1")[1] == "SOURCE"
    assert judged(maps, WIREGUARD, "100.65.1.1", "10.20.1.1")[1] == "SOURCE"
    assert judged(maps, TUNNEL, "100.65.1.1", "100.65.1.7")[1] == "SHADOW"


def test_and_it_speaks_by_its_own_address_in_its_own_network():
    assert judged(host((TUNNEL,)), TUNNEL, "10.20.1.1", "10.20.1.7") == (False, "NO_RULE", "runner", "builders")


def test_nobodys_addresses_are_the_worlds_by_their_shadows_too():
    """As a host's own policy says it, so do the others on the way."""
    maps = host((TUNNEL, SPARE))
    assert judged(maps, WIREGUARD, "10.20.1.1", "100.64.9.9") == (True, None, "runner", "100.64.9.0/24")
    assert judged(maps, TUNNEL, "100.65.1.1", "10.20.9.9") == (True, None, "runner", "100.64.9.0/24")
    assert judged(maps, SPARE, "100.65.9.9", "10.20.1.1") == (False, "NO_RULE", "world", "api")
    assert judged(maps, SPARE, "100.64.9.9", "10.20.1.1") == (False, "NO_RULE", "world", "runner")
    assert judged(host(), SPARE, "100.65.9.9", "10.20.1.1")[1] == "SOURCE"


def test_an_interface_by_which_several_networks_come_is_of_none():
    networks = {found.interface: found.network for found in host((TUNNEL,)).attachments}
    assert networks["vx7"] == 0
    assert networks["vx8"] == 2


def test_parts_of_peers_keep_what_policies_say_of_them():
    maps = host((TUNNEL,))
    found = {place.prefix: place.endpoint for place in maps.sources if place.scope == TUNNEL}
    for own, seen in (("10.20.1.1/32", "100.65.1.1/32"), ("10.20.1.0/24", "100.65.1.0/24")):
        assert found[seen] == found[own]._replace(network=2, flags=PEER | SHADOW)


def test_without_shadows_nothing_changes():
    maps = host()._replace(shadows=())
    assert with_aliases(maps, (TUNNEL, OTHER)) is maps
