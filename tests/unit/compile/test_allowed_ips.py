# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What clients send and what the server lets them reach are said in two places; here they are held against each other,
address by address."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.access import internal_of
from ansible_collections.weft.overlay.plugins.module_utils.compile.allowed_ips import allowed_ips
from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Inventory
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.interface import Endpoint
from ansible_collections.weft.overlay.plugins.module_utils.intent.profile import FULL, SPLIT, Profile
from ansible_collections.weft.overlay.plugins.module_utils.intent.server import Pair

INTENT = parse(
    """\
version: 1
servers: {router1: {role: router, management: {ipv4: 10.9.8.65, ipv6: "fd00::41"}}}
interfaces:
  wg0:
    server: router1
    endpoint: {host: vpn.example.net, port: 51820}
    subnets: {ipv4: 10.9.8.112/28, ipv6: "fd00::70/124"}
    internet: true
profiles: {all: {internet: true}}
bindings: {wg0: [all]}
clients: {one: {interface: wg0, profile: all}}
""",
    "domain.yaml",
)
SERVER, WG0 = INTENT.servers["router1"], INTENT.interfaces["wg0"]
# 64 addresses of each family, so that all of them can be tried.
SPACES = (ip_network("10.9.8.64/26"), ip_network("fd00::40/122"))
PROBES = [*SPACES[0], *SPACES[1], ip_address("203.0.113.7"), ip_address("2001:db8::7")]


@st.composite
def networks(draw):
    space = draw(st.sampled_from(SPACES))
    bits = draw(st.integers(0, 5))
    return f"{space[draw(st.integers(0, 63)) >> bits << bits]}/{space.max_prefixlen - bits}"


LISTS = st.lists(networks(), max_size=3).map(tuple)
SUBNETS = st.sampled_from((WG0.subnets, WG0.subnets._replace(ipv4=None), WG0.subnets._replace(ipv6=None)))
DNS = st.lists(st.sampled_from([str(address) for space in SPACES for address in space]), max_size=2).map(tuple)
HOSTS = st.just("vpn.example.net") | st.sampled_from([str(address) for space in SPACES for address in space])
INTERFACES = st.builds(
    lambda subnets, lan, dns, host: WG0._replace(subnets=subnets, lan=lan, dns=dns, endpoint=Endpoint(host, 51820)),
    SUBNETS,
    LISTS,
    DNS,
    HOSTS,
)
SPLITS = st.builds(Profile, st.booleans(), st.booleans(), st.booleans(), LISTS, LISTS, st.just(SPLIT))


def within(address, texts):
    return any(address in ip_network(text) for text in texts)


def compiled(profile, interface):
    intent = INTENT._replace(profiles={"all": profile}, interfaces={"wg0": interface})
    found = compile_domain(intent, Inventory(None, (), ("router1",)), EMPTY, Run({}, offline=True))
    assert found.faults == ()
    return found.plans["router1"]


def answered(access, reach, address):
    """Whether a client may begin a conversation with an address: the rules of the firewall in plain words."""
    if str(address) in (*access.addresses, *access.dns):
        return True
    if within(address, reach.excluded):
        return False
    if within(address, access.subnets) and reach.neighbours:
        return True
    if str(address) in SERVER.management.both():
        return reach.host
    return within(address, reach.prefixes) or (reach.internet and not within(address, access.internal))


@given(SPLITS, INTERFACES)
def test_a_split_tunnel_carries_what_the_server_answers_but_the_internet(profile, interface):
    plan = compiled(profile, interface)
    (access,), (config,) = plan.accesses, plan.clients
    (reach,) = access.reaches
    assert config.allowed_ips == allowed_ips(profile, interface, SERVER)
    families = {":" in subnet for subnet in interface.subnets.both()}
    for address in PROBES:
        # By a network that the server happens to lie in, it itself is not reached.
        if str(address) in SERVER.management.both() and not profile.lan:
            continue
        reachable = answered(access, reach._replace(internet=False), address) and (address.version == 6) in families
        sent = within(address, config.allowed_ips)
        wanted = reachable and not within(address, profile.exclude)
        assert sent == (wanted and str(address) != interface.endpoint.host), address


@given(SPLITS.map(lambda profile: profile._replace(internet=True, tunnel=FULL)), INTERFACES)
def test_a_full_tunnel_carries_everything_of_both_families_but_what_is_excluded(profile, interface):
    sent = allowed_ips(profile, interface, SERVER)
    cut = {ip_network(text).version for text in profile.exclude}
    for address in PROBES:
        beside = str(address) == interface.endpoint.host and address.version in cut
        assert within(address, sent) == (not within(address, profile.exclude) and not beside), address


@given(INTERFACES)
def test_no_network_of_the_domain_is_the_internet(interface):
    internal = internal_of(INTENT._replace(interfaces={"wg0": interface}))
    for text in (*interface.lan, *interface.subnets.both(), *SERVER.management.both()):
        assert any(
            ip_network(text).subnet_of(net) for net in map(ip_network, internal) if net.version == 4 + 2 * (":" in text)
        )
    assert not within(ip_address("198.18.0.1"), internal)


def test_a_lan_of_public_addresses_and_an_overlay_anywhere_are_internal_too():
    intent = parse("version: 1\noverlay: {cidr: 203.0.112.0/20, runner_prefix: 24, underlay: wireguard}", "domain.yaml")
    internal = internal_of(
        intent._replace(interfaces={"wg0": WG0._replace(lan=("198.51.100.0/24", "2001:db8:9::/48"))})
    )
    inside = ("203.0.113.7", "198.51.100.1", "2001:db8:9::1", "172.16.254.1", "172.30.0.1", "10.9.8.113")
    assert all(within(ip_address(text), internal) for text in inside)
    assert not any(within(ip_address(text), internal) for text in ("203.0.128.1", "2001:db8:8::1", "1.1.1.1"))


def test_a_server_outside_of_every_lan_is_reached_with_the_lan_all_the_same():
    server = SERVER._replace(management=Pair("192.0.2.9", None))
    profile = Profile(True, False, False, (), (), SPLIT)
    assert allowed_ips(profile, WG0, server) == ("10.9.8.113/32", "192.0.2.9/32", "fd00::71/128")
