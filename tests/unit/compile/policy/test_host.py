# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""On an interface nobody speaks with an address that is not a peer's who is there."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.host import Interface, Itself, with_interfaces
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    HAS_ROUTER,
    HOST,
    LAYER_3,
    NO_ATTACHMENT,
    NOBODY,
    Attachment,
    Endpoint,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json, to_json
from tests.unit.compile.policy import reference as model
from tests.unit.compile.policy.reference import Judgement, Reference
from tests.unit.compile.policy.tenancies import domain as one_domain
from tests.unit.compile.policy.tenancies import domains, packets
from tests.unit.compile.policy.test_meaning import FEW, in_words


def speaker(reference, peers, address):
    """Whose an address is among those who speak on an interface; None: nobody's."""
    address = ip_address(address)
    for peer in peers:
        holders = reference.holders(address, {reference.network_of(peer)})
        if holders and holders[-1][1] == peer:
            return peer
    return None


def overlapping(reference, peers):
    """Whether two of them, of different networks, have an address in common."""
    return any(
        len({reference.network_of(peer) for peer in peers if speaker(reference, (peer,), address) == peer}) > 1
        for address in {address for peer in peers for prefix in reference.prefixes(peer) for address in prefix}
    )


def expected_at(reference, peers, policed, packet):
    """What becomes of a packet that came from where these peers speak. policed: whether nobody else may."""
    source, destination, *_what = packet
    peer = speaker(reference, peers, source)
    if peer is not None:
        return reference.judge(reference.network_of(peer), *packet)
    network = reference.only_network(ip_address(destination))
    if policed or reference.who(network, ip_address(source)) != model.NOBODY:
        return Judgement("deny", False, None, "SOURCE", None, None)
    return reference.judge(network, *packet)


@settings(FEW, max_examples=500)
@given(domains(), st.integers(0, 1 << 32))
# A prefix that longer ones hold all of: nobody can speak there whose it would be.
@example(one_domain(8, 59273), 0)
def test_a_packet_passes_only_from_somebody_who_speaks_there(domain, seed):
    tenancy, places, _numbers = domain
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    there = {number: [] for number in range(4)}
    for peer in sorted(tenancy.peers):
        there[choose.randrange(4)].append(peer)
    interfaces = {f"if{number}": Interface(number, LAYER_3, tuple(there[number])) for number in (1, 2, 3)}
    reference = Reference(tenancy, places)
    shared = any(overlapping(reference, peers) for peers in there.values())
    itself = Itself(Interface(NO_ATTACHMENT, 0, tuple(there[0])))
    found = with_interfaces(compile_policy(tenancy, places, EMPTY).maps, "router1", interfaces, itself)
    assert bool(found.faults) == shared
    if shared:
        return
    judge = Judge(from_json(to_json(found.maps)))
    for _network, *packet in packets(domain, seed, 60):
        for number, peers in there.items():
            said = in_words(judge.judge_at(number, *packet))
            assert said[:4] == expected_at(reference, peers, number != 0, packet)[:4]


TENANCY = parse_tenancy(
    """\
networks: {blue: {cidrs: [10.20.0.0/16]}, red: {cidrs: [10.20.0.0/16]}}
namespaces: {b: {network: blue}, r: {network: red}}
peers:
  lan: {namespace: b, subnets: [10.20.1.0/24]}
  printer: {namespace: b, addresses: [10.20.1.7]}
  phone: {namespace: b, addresses: [10.20.0.1]}
  cam: {namespace: r, addresses: [10.20.1.9]}
""",
    "domain.yaml",
)
MAPS = compile_policy(TENANCY, {}, EMPTY).maps
NETWORK = {network.name: network.number for network in MAPS.networks}
NUMBER = {identity.name: identity.number for identity in MAPS.identities}


def test_inside_of_a_subnet_the_address_of_somebody_elsewhere_is_nobodys():
    found = with_interfaces(MAPS, "router1", {"wg0": Interface(7, LAYER_3, ("lan", "phone"))})
    assert found.faults == ()
    assert found.maps.attachments == (Attachment("wg0", 7, 1, LAYER_3),)
    assert [(place.scope, place.prefix, place.endpoint.identity) for place in found.maps.sources] == [
        (7, "10.20.0.1/32", NUMBER["phone"]),
        (7, "10.20.1.0/24", NUMBER["lan"]),
        (7, "10.20.1.7/32", NOBODY),
    ]
    assert found.maps.sources[2].endpoint == Endpoint(NOBODY, 0, 0, 0)


def test_whoever_speaks_there_too_is_somebody():
    found = with_interfaces(MAPS, "router1", {"lan0": Interface(1, HAS_ROUTER, ("lan", "printer"))})
    assert [place.endpoint.identity for place in found.maps.sources] == [NUMBER["lan"], NUMBER["printer"]]


def test_tenants_with_the_same_addresses_need_an_interface_each():
    found = with_interfaces(MAPS, "router1", {"wg0": Interface(1, LAYER_3, ("lan", "cam"))})
    assert [fault.path for fault in found.faults] == ["interface wg0"]
    assert found.faults[0].message == (
        "lan (10.20.1.0/24) and cam (10.20.1.9), of different networks, cannot both speak there by the same addresses; "
        "give one of them an interface of its own"
    )


def test_the_host_is_somebody_beside_the_peers_that_it_is():
    itself = Itself(Interface(NO_ATTACHMENT, 0, ("phone",)), ("10.20.0.1", "192.0.2.1", "fd00::1"))
    found = with_interfaces(MAPS, "router1", {}, itself)
    assert [(place.scope, place.prefix, place.endpoint.identity) for place in found.maps.sources] == [
        (NO_ATTACHMENT, "10.20.0.1/32", NUMBER["phone"]),
        (NO_ATTACHMENT, "192.0.2.1/32", HOST),
        (NO_ATTACHMENT, "fd00::1/128", HOST),
    ]
    judge = Judge(found.maps)
    assert judge.judge_at(NO_ATTACHMENT, "192.0.2.1", "10.20.1.7", 6, 22).source.name == "host"
    assert judge.judge_at(NO_ATTACHMENT, "192.0.2.9", "10.20.1.7", 6, 22).source.name == "world"
    # Two networks have this address: by which of them it is meant, the interface says that the packet leaves by.
    assert judge.judge_at(NO_ATTACHMENT, "192.0.2.1", "10.20.1.9", 6, 22).reason.name == "NETWORK"
    assert judge.judge_at(NO_ATTACHMENT, "192.0.2.1", "10.20.1.9", 6, 22, NETWORK["red"]).destination.name == "cam"


def test_an_interface_of_several_networks_is_of_none():
    found = with_interfaces(MAPS, "router1", {"wg0": Interface(1, LAYER_3, ("phone", "cam"))})
    assert found.faults == ()
    assert found.maps.attachments == (Attachment("wg0", 1, 0, LAYER_3),)
