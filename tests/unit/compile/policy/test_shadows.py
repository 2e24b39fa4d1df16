# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Shadows are given to those who need them, are apart from each other, and stay."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import (
    EMPTY,
    Shadows,
    document,
    from_document,
)
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.shadows import shadowed
from ansible_collections.weft.overlay.plugins.module_utils.intent.network import Network
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import Tenancy
from tests.unit.compile.policy.tenancies import domains

NOTHING = Shadows()
POOL = ("100.64.0.0/14", "fd77::/48")
SAME, HALF, OTHER = "10.20.0.0/16", "10.20.0.0/17", "10.30.0.0/16"


def tenancy(networks, pool=POOL):
    """networks: name → (cidrs, those it is peered with)."""
    found = {
        name: Network(tuple(cidrs), None, "enforce", tuple(peered), None) for name, (cidrs, peered) in networks.items()
    }
    return Tenancy(found, {}, {}, {}, (), (), tuple(pool))


def given_to(said, remembered=NOTHING):
    found = shadowed(said, remembered)
    assert found.faults == ()
    return {key: str(shadow) for key, shadow in found.given.items()}


def two(one, other, peered=True):
    return {"a": ([*one], ["b"] if peered else []), "b": ([*other], ["a"] if peered else [])}


def test_only_peered_networks_with_the_same_addresses_have_any():
    assert given_to(tenancy(two([SAME], [OTHER]))) == {}
    assert given_to(tenancy(two([SAME], [SAME], peered=False))) == {}
    assert given_to(tenancy(two([SAME], [HALF], peered=True), ())) == {}
    assert given_to(tenancy(two([SAME], [HALF]))) == {
        ("a", "b", HALF): "100.65.0.0/17",
        ("b", "a", SAME): "100.64.0.0/16",
    }


def test_of_a_family_all_addresses_have_one_or_none():
    """A packet has two addresses, and each of them has to say which network it is met in."""
    found = given_to(tenancy(two([SAME, OTHER, "fd00:1::/64"], [SAME, "fd00:2::/64"])))
    assert set(found) == {("a", "b", SAME), ("b", "a", SAME), ("b", "a", OTHER)}
    assert len(given_to(tenancy(two([SAME, "fd00:1::/64"], [OTHER, "fd00::/56", "fd00:1::/56"])))) == 3


def test_who_knows_two_with_the_same_addresses_knows_neither_by_them():
    networks = {"a": ([SAME], ["c"]), "b": ([SAME], ["c"]), "c": ([OTHER], ["a", "b"])}
    assert set(given_to(tenancy(networks))) == {
        ("c", "a", SAME),
        ("c", "b", SAME),
        ("a", "c", OTHER),
        ("b", "c", OTHER),
    }


def remembered(said, known=NOTHING):
    return shadowed(said, known).remember


def test_a_shadow_stays_and_rests():
    first = tenancy({"b": ([SAME], ["c"]), "c": ([SAME], ["b"])})
    known = remembered(first)
    more = tenancy({"a": ([SAME], ["b"]), "b": ([SAME], ["a", "c"]), "c": ([SAME], ["b"])})
    later = given_to(more, known)
    assert {key: later[key] for key in known.given} == dict(known.given)
    gone = remembered(tenancy({"b": ([SAME], []), "c": ([SAME], [])}), remembered(more, known))
    assert gone.given == {}
    assert len(gone.released) == 4
    # Who comes back finds it, and who is new takes it last.
    assert given_to(first, gone) == dict(known.given)
    strangers = tenancy({"x": ([SAME], ["y"]), "y": ([SAME], ["x"])}, ("100.64.0.0/13",))
    assert set(given_to(strangers, gone).values()).isdisjoint(later.values())
    assert len(given_to(tenancy({"x": ([SAME], ["y"]), "y": ([SAME], ["x"])}), gone)) == 2


def test_a_shadow_outside_of_the_pool_is_given_up():
    networks = two([SAME], [SAME])
    known = remembered(tenancy(networks))
    moved = given_to(tenancy(networks, ("198.18.0.0/15",)), known)
    assert set(moved.values()) == {"198.18.0.0/16", "198.19.0.0/16"}
    assert from_document(document(EMPTY._replace(shadows=known))).shadows == known


@pytest.mark.parametrize("pool", [("100.64.0.0/16",), ("100.64.0.0/17",), ("fd77::/16",)])
def test_a_pool_without_room_says_who_has_none(pool):
    found = shadowed(tenancy(two([SAME], [SAME]), pool), Shadows())
    assert found.faults
    for fault in found.faults:
        assert str(fault).startswith("domain.yaml: shadows: have no room for the IPv4 network of /16 by which ")


def test_a_damaged_ledger_is_refused():
    good = document(EMPTY._replace(shadows=remembered(tenancy(two([SAME], [SAME])))))
    for row in (["100.64.0.0/99", "a", "b", SAME], ["100.64.0.0/16", "a", "b"], good["shadows"]["given"][0]):
        broken = {**good, "shadows": {**good["shadows"], "given": [*good["shadows"]["given"], row]}}
        with pytest.raises((ValueError, TypeError)):
            from_document(broken)


@settings(max_examples=200, deadline=None)
@given(domains(shadows=True))
def test_no_address_means_two_in_one_networks_eyes(domain):
    said, places, _numbers = domain
    compiled = compile_policy(said, places, EMPTY)
    name_of = {network.number: network.name for network in compiled.maps.networks}
    pool = [ip_network(text) for text in said.shadows]
    for one in compiled.maps.shadows:
        there = ip_network(one.shadow)
        assert there.prefixlen == ip_network(one.prefix).prefixlen
        assert one.prefix in said.networks[name_of[one.network]].cidrs
        assert any(there.version == whole.version and there.subnet_of(whole) for whole in pool)
        assert not any(other != one and there.overlaps(ip_network(other.shadow)) for other in compiled.maps.shadows
                       if ip_network(other.shadow).version == there.version)  # fmt: skip
    again = compile_policy(said, places, compiled.ledger)
    assert (again.maps, again.ledger) == (compiled.maps, compiled.ledger)
