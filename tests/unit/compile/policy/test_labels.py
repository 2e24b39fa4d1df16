# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who is a peer by a label: its runner judges exactly, others let pass what may be, and between two runners' containers
passes what all who can have sent it may."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.answer import answers
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.delegation import group_name
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.explain import Explainer
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.host import Interface, with_interfaces
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.judge import End, Judge
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.permissions import Permissions, contradicts
from ansible_collections.weft.overlay.plugins.module_utils.intent.question import Question, Service
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, TUNNEL
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json, to_json
from tests.unit.compile.policy.labels import Witness, labelled
from tests.unit.compile.policy.reference import FOREIGN, NOBODY
from tests.unit.compile.policy.tenancies import PORTS, TYPES
from tests.unit.compile.policy.test_meaning import FEW


class Host:
    """What one host does, by its maps, with a packet whose ends it may know by their bindings."""

    def __init__(self, maps):
        self.maps = from_json(to_json(maps))
        self.judge = Judge(self.maps)
        self.names = {identity.name: identity.number for identity in maps.identities}

    def speaker(self, scope, name):
        """None: that network does not know it."""
        for place in self.maps.speakers:
            if (place.scope, place.endpoint.identity) == (scope, self.names[name]):
                return End(place.endpoint, place.prefix)
        return None

    def verdict(self, number, one, source, other, destination, protocol, port):
        """number: of the network of the ends. one, other: labelled peers that are bound there, or None."""
        first = self.speaker(number, one) if one else self.judge.end(number, source)
        second = self.speaker(number, other) if other else self.judge.end(number, destination)
        said = self.judge.between(first, second, protocol, port)
        return 2 if said.verdict == ALLOW else int(said.observed)


def ends(witness, network, choose):
    """Addresses that a network knows: of containers, and of everybody else."""
    near = [prefix for subnet in witness.runners.values() for prefix in subnet]
    held = [
        prefix[choose.randrange(prefix.num_addresses)]
        for name in witness.tenancy.peers
        for prefix in witness.reference.prefixes(name)
    ]
    for address in (*near, *held):
        # Other networks do not reach what is delegated to a runner in this one.
        to = witness.delegated(address)
        is_known = to is None or to[1] in witness.reference.reached(network)
        is_here = is_known and FOREIGN not in witness.who(network, str(address))
        if address.version == 4 and is_here:
            yield str(address)
    yield "192.0.2.1"


@settings(FEW, max_examples=300)
@given(labelled(), st.integers(0, 1 << 32))
def test_every_host_lets_pass_what_may_pass_and_the_runner_alone_exactly_that(found, seed):
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    compiled = compile_policy(found.domain.tenancy, found.domain.places, EMPTY, (), found.runners)
    # A part of what labels tell apart was named, or two peers are at one address.
    assume(not compiled.faults)
    witness = Witness(found)
    number_of = {network.name: network.number for network in compiled.maps.networks}
    hosts = {"": Host(compiled.maps), **{name: Host(own.maps) for name, own in compiled.runners.items()}}
    network = choose.choice(sorted(number_of))
    near = list(ends(witness, network, choose))
    for _packet in range(40):
        source, destination = choose.choice(near), choose.choice(near)
        protocol = choose.choice((6, 6, 17, 132, 1, 47))
        what = (protocol, choose.choice(TYPES if protocol == 1 else (2, 82, *PORTS)))
        check(witness, hosts, (network, number_of[network]), (source, destination), what)


@settings(FEW, max_examples=300)
@given(labelled(smallest=6))
def test_what_others_declare_in_the_midst_of_them_is_another_networks_to_all_who_reach_them(found):
    compiled = compile_policy(found.domain.tenancy, found.domain.places, EMPTY, (), found.runners)
    assume(not compiled.faults)
    witness = Witness(found)
    judges = [Judge(maps) for maps in (compiled.maps, *(own.maps for own in compiled.runners.values()))]
    for subnet in witness.runners.values():
        for address in subnet:
            for network in compiled.maps.networks:
                if witness.is_apart(network.name, address):
                    assert all(judge.end(network.number, str(address)).foreign for judge in judges)


@settings(FEW, max_examples=300)
@given(labelled(smallest=6))
def test_on_the_way_from_a_runner_each_address_speaks_for_the_one_network_that_has_it(found):
    """Where no two have one: what is delegated for the runner's containers, the rest for its peer or for nobody."""
    compiled = compile_policy(found.domain.tenancy, found.domain.places, EMPTY, (), found.runners)
    assume(not compiled.faults)
    witness = Witness(found)
    names = {identity.number: identity.name for identity in compiled.maps.identities}
    for subnet in witness.runners.values():
        people = {address: speakers(witness, address) for address in subnet}
        interfaces = {"tunnel": Interface(1, TUNNEL, None, (str(subnet),))}
        there = with_interfaces(compiled.maps, "hub", interfaces)
        assert bool(there.faults) is any(len(one) > 1 for one in people.values())
        for address, found_there in people.items() if not there.faults else ():
            holding = [place for place in there.maps.sources if address in ip_network(place.prefix)]
            place = max(holding, key=lambda place: ip_network(place.prefix).prefixlen)
            assert {names.get(place.endpoint.identity, "world")} == (set(found_there.values()) or {"world"})


def speakers(witness, address):
    """By network, who can be there."""
    found = {}
    for network in witness.tenancy.networks:
        holders = witness.reference.holders(address, {network})
        if holders:
            found[network] = holders[-1][1]
    for runner, network in witness.delegations(address):
        found[network] = group_name(runner)
    return found


def check(witness, hosts, network, addresses, what):
    sides = [witness.delegated(address) for address in addresses]
    runners = [side[0] if side and side[1] in witness.reference.reached(network[0]) else "" for side in sides]
    people = [witness.who(network[0], address) for address in addresses]
    names = set(witness.tenancy.peers)
    if not any(one in names and witness.reference.network_of(one) == network[0] for one in (*people[0], *people[1])):
        return  # no packet between them is judged by this network
    labels = [[name for name in found if name in names and witness.tenancy.peers[name].containers] for found in people]
    for host, judge in hosts.items():
        if runners[0] and runners[0] == runners[1] != host:
            continue  # such a packet never leaves its runner
        known = [found if runner == host and host else [None] for found, runner in zip(people, runners)]
        for one in known[0]:
            for other in known[1]:
                bound = [name if name in labels[side] else None for side, name in enumerate((one, other))]
                possible = [people[side] if name is None else [name] for side, name in enumerate((one, other))]
                if not visible(witness, network[0], possible):
                    continue
                said = [
                    witness.exact(first, addresses[0], second, addresses[1], *what)
                    for first in possible[0]
                    for second in possible[1]
                ]
                between = runners[0] and runners[1] and runners[0] != runners[1]
                expected = min(said) if between and host == runners[1] else max(said)
                found = judge.verdict(network[1], bound[0], addresses[0], bound[1], addresses[1], *what)
                assert found == expected, (host, one, other, addresses, what, people)


def visible(witness, network, possible):
    """Whether packets between them are looked at with the eyes of this network: it is that of a sender who is a peer,
    and of the receiver where no sender is one."""
    first = [one for one in possible[0] if one != NOBODY]
    peers = first or [one for one in possible[1] if one != NOBODY]
    return bool(peers) and all(witness.reference.network_of(one) == network for one in peers)


@settings(FEW, max_examples=100)
@given(labelled(), st.sampled_from(PORTS))
def test_what_is_told_of_peers_never_contradicts_what_each_of_them_permits(found, port):
    tenancy = found.domain.tenancy
    compiled = compile_policy(tenancy, found.domain.places, EMPTY, (), found.runners)
    assume(not compiled.faults)
    explainer, permissions = Explainer(compiled.maps), Permissions(tenancy)
    assert permissions.may_be_of(compiled.maps)
    for one in tenancy.peers:
        for other in (*tenancy.peers, "192.0.2.1"):
            for answer in answers(Question(one, other, Service("TCP", port)), explainer, permissions):
                assert not answer.sides or not contradicts(answer.found, answer.sides), (one, other, answer)
