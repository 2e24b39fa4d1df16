# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must hold of every allocation of client addresses, however contradictory the evidence is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.address_office import Claim, Claimant, Evidence
from ansible_collections.weft.overlay.plugins.module_utils.compile.client_allocation import allocate
from ansible_collections.weft.overlay.plugins.module_utils.intent.server import Pair

# Room for five clients in IPv4, 2 to 6, and for six in IPv6.
BOTH = Pair("10.8.0.0/29", "fd00:8::/125")
SUBNETS = st.sampled_from((BOTH, BOTH._replace(ipv6=None), BOTH._replace(ipv4=None)))
NAMES = st.sampled_from("abcdefg")
KEYS = st.none() | st.sampled_from(("k1", "k2", "k3"))
# Also addresses that are the server's, the broadcast address, or somewhere else.
FOUR = st.sampled_from(("10.9.0.2", *(f"10.8.0.{number}" for number in range(8))))
SIX = st.sampled_from(("fd00:9::2", *(f"fd00:8::{number}" for number in range(8))))
ADDRESSES = st.lists(FOUR | SIX, max_size=2).map(tuple)
CLAIMS = st.lists(st.builds(Claim, st.sampled_from(["", *"abcdefgxy"]), ADDRESSES, KEYS), max_size=6).map(tuple)
PINS = st.none() | st.builds(Pair, st.none() | FOUR, st.none() | SIX)
RELEASED = st.lists(st.tuples(FOUR | SIX, st.sampled_from("abcdefgxy")), max_size=6).map(tuple)
EVIDENCE = st.builds(Evidence, CLAIMS, CLAIMS, RELEASED, st.booleans())


@st.composite
def claimants(draw):
    """At most as many as there is room for; two with one key are a fault that is found elsewhere."""
    names = sorted(draw(st.sets(NAMES, max_size=5)))
    keys = draw(st.permutations(["k1", "k2", "k3", None, None]))
    return tuple(Claimant(name, draw(PINS), key) for name, key in zip(names, keys))


def everywhere(subnets, text):
    """Whether an address may be a client's."""
    address = ip_address(text)
    for subnet in map(ip_network, subnets.both()):
        if address in subnet:
            last = subnet[-2] if subnet.version == 4 else subnet[-1]
            return subnet[2] <= address <= last
    return False


def pinned_twice(clients):
    pins = [pin for client in clients if client.pinned for pin in client.pinned.both()]
    return len(set(pins)) < len(pins)


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE)
def test_an_address_has_one_owner_and_is_a_clients(subnets, clients, evidence):
    found = allocate("wg0", subnets, clients, evidence)
    given_out = [address for addresses in found.addresses.values() for address in addresses]
    assert len(set(given_out)) == len(given_out)
    assert all(everywhere(subnets, address) for address in given_out)
    assert not set(given_out) & {address for address, _client in found.released}


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE)
def test_without_a_fault_everybody_has_an_address_in_each_subnet_and_every_pin_is_obeyed(subnets, clients, evidence):
    found = allocate("wg0", subnets, clients, evidence)
    if found.faults:
        return
    assert list(found.addresses) == [client.name for client in clients]
    for client in clients:
        own = found.addresses[client.name]
        assert [":" in address for address in own] == [":" in subnet for subnet in subnets.both()]
        pins = [pin for pin in (client.pinned.both() if client.pinned else ()) if everywhere(subnets, pin)]
        assert set(pins) <= set(own)


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE)
def test_five_clients_fit_unless_they_are_in_each_others_way(subnets, clients, evidence):
    faults = allocate("wg0", subnets, clients, evidence._replace(fresh=True)).faults
    assert all("another" in fault.message for fault in faults)


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE)
def test_what_was_given_is_given_again_and_changes_nothing(subnets, clients, evidence):
    first = allocate("wg0", subnets, clients, evidence)
    if first.faults:
        return
    entries = tuple(Claim(name, addresses) for name, addresses in first.addresses.items())
    for held, remembered in ((entries, ()), ((), entries), (entries, entries)):
        again = allocate("wg0", subnets, clients, Evidence(held, remembered, first.released, fresh=False))
        assert again == first


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_is_of_no_importance(subnets, clients, evidence, random):
    shuffled = evidence._replace(
        held=tuple(random.sample(evidence.held, len(evidence.held))),
        remembered=tuple(random.sample(evidence.remembered, len(evidence.remembered))),
    )
    mixed = random.sample(clients, len(clients))
    assert allocate("wg0", subnets, mixed, shuffled) == allocate("wg0", subnets, clients, evidence)


@settings(max_examples=300)
@given(SUBNETS, claimants(), EVIDENCE)
def test_an_address_without_evidence_waits_for_the_server(subnets, clients, evidence):
    careful = allocate("wg0", subnets, clients, evidence._replace(fresh=False)).addresses
    bold = allocate("wg0", subnets, clients, evidence._replace(fresh=True)).addresses
    assert careful.items() <= bold.items()


@settings(max_examples=300)
@given(claimants().map(lambda clients: tuple(client._replace(pinned=None) for client in clients)))
def test_without_pins_a_client_has_one_number_in_both_families(clients):
    found = allocate("wg0", BOTH, clients, Evidence()).addresses
    assert found == {
        client.name: (f"10.8.0.{number}", f"fd00:8::{number}") for number, client in enumerate(clients, start=2)
    }


def names(*those):
    return tuple(map(Claimant, those))


def test_a_second_subnet_gives_everybody_the_number_that_they_have():
    remembered = (Claim("a", ("10.8.0.5",)), Claim("b", ("10.8.0.2",)))
    found = allocate("wg0", BOTH, names("a", "b", "c"), Evidence(remembered=remembered)).addresses
    assert found == {
        "a": ("10.8.0.5", "fd00:8::5"),
        "b": ("10.8.0.2", "fd00:8::2"),
        "c": ("10.8.0.3", "fd00:8::3"),
    }


@pytest.mark.fault("F19")
def test_a_released_address_rests_while_there_are_unused_ones_and_then_the_longest_released_goes_first():
    four = BOTH._replace(ipv6=None)
    clients, evidence, order = ["a"], Evidence(), []
    for newcomer in "bcdefgh":
        found = allocate("wg0", four, names(*clients), evidence)
        order += [address for (address,) in found.addresses.values()]
        held = tuple(Claim(name, addresses) for name, addresses in found.addresses.items())
        evidence = Evidence(held, held, found.released)
        clients = [newcomer]
    assert [int(address.rpartition(".")[2]) for address in order] == [2, 3, 4, 5, 6, 2, 3]


def test_a_client_that_returns_while_its_address_rests_has_it_again():
    released = (("10.8.0.2", "old"), ("fd00:8::2", "old"), ("10.8.0.3", "x"))
    found = allocate("wg0", BOTH, names("aaa", "old"), Evidence(released=released))
    assert found.addresses == {"aaa": ("10.8.0.4", "fd00:8::4"), "old": ("10.8.0.2", "fd00:8::2")}
    assert found.released == (("10.8.0.3", "x"),)


def test_a_renamed_client_is_known_by_its_key():
    clients = (Claimant("laptop2", key="k"), Claimant("a"))
    for evidence in (
        Evidence(held=(Claim("laptop", ("10.8.0.4", "fd00:8::4"), "k"),)),
        Evidence(held=(Claim("", ("10.8.0.4", "fd00:8::4"), "k"),)),
        Evidence(remembered=(Claim("laptop", ("10.8.0.4", "fd00:8::4"), "k"),)),
    ):
        assert allocate("wg0", BOTH, clients, evidence).addresses["laptop2"] == ("10.8.0.4", "fd00:8::4")


def test_a_key_counts_for_nothing_where_the_name_is_still_somebodys():
    held = (Claim("a", ("10.8.0.4", "fd00:8::4"), "k"),)
    found = allocate("wg0", BOTH, (Claimant("a"), Claimant("b", key="k")), Evidence(held=held)).addresses
    assert found == {"a": ("10.8.0.4", "fd00:8::4"), "b": ("10.8.0.2", "fd00:8::2")}


@pytest.mark.parametrize("where", ["held", "remembered"])
def test_nobody_is_moved_by_a_pin_but_the_one_pinned(where):
    clients = (Claimant("a"), Claimant("b", Pair("10.8.0.2", None)))
    evidence = Evidence(**{where: (Claim("a", ("10.8.0.2", "fd00:8::2")),)})
    (fault,) = allocate("wg0", BOTH, clients, evidence).faults
    assert str(fault) == (
        "domain.yaml: clients.b.addresses.ipv4: 10.8.0.2 is held by a; pin a to another address first, or pick one"
    )


def test_two_may_swap_their_addresses_by_pins():
    held = (Claim("a", ("10.8.0.2", "fd00:8::2")), Claim("b", ("10.8.0.3", "fd00:8::3")))
    clients = (Claimant("a", Pair("10.8.0.3", None)), Claimant("b", Pair("10.8.0.2", None)))
    found = allocate("wg0", BOTH, clients, Evidence(held=held))
    assert found.faults == ()
    assert found.addresses == {"a": ("10.8.0.3", "fd00:8::2"), "b": ("10.8.0.2", "fd00:8::3")}


def test_two_claims_on_one_address_name_both():
    evidence = Evidence(
        held=(Claim("a", ("10.8.0.2", "fd00:8::2")),), remembered=(Claim("b", ("10.8.0.2", "fd00:8::3")),)
    )
    (fault,) = allocate("wg0", BOTH, names("a", "b"), evidence).faults
    assert str(fault) == (
        "domain.yaml: clients.b.addresses.ipv4: 10.8.0.2 is claimed by a (on the server) and by b (in the ledger); "
        "pin one of them to another address"
    )


def test_a_subnet_that_is_used_up_says_how_many_fit():
    (fault,) = allocate("wg0", BOTH, names(*"abcdef"), Evidence()).faults
    assert str(fault) == (
        "domain.yaml: interfaces.wg0.subnets: 10.8.0.0/29 has room for 5 clients, and 6 are declared; "
        "choose a larger network"
    )


def test_where_pins_left_no_common_number_each_family_has_its_own():
    pinned = [Claimant(f"p{number}", Pair(f"10.8.0.{number}", f"fd00:8::{number + 1}")) for number in (2, 3, 4, 5)]
    found = allocate("wg0", BOTH, [*pinned, Claimant("z")], Evidence())
    assert found.faults == ()
    assert found.addresses["z"] == ("10.8.0.6", "fd00:8::2")


def test_new_clients_wait_until_the_server_answers():
    (fault,) = allocate("wg0", BOTH, names("a", "b"), Evidence(fresh=False)).faults
    assert str(fault) == (
        "domain.yaml: interfaces.wg0: a, b: no address yet, and the server could not be asked which are free; "
        "run again when it answers"
    )


def test_who_is_pinned_to_an_address_that_rests_for_it_has_it_for_that_reason_alone():
    """Another client that is remembered with it, and is pinned elsewhere, has no part in it."""
    clients = (Claimant("a", Pair(None, "fd00:8::3")), Claimant("b", Pair(None, "fd00:9::2")))
    evidence = Evidence(remembered=(Claim("b", ("fd00:8::3",)),), released=(("fd00:8::3", "a"),))
    found = allocate("wg0", BOTH._replace(ipv4=None), clients, evidence)
    assert (found.addresses["a"], found.faults) == (("fd00:8::3",), ())
