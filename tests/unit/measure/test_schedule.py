# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces are measured, from plans alone, and in which order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.measure.names import natural
from ansible_collections.weft.overlay.plugins.module_utils.measure.schedule import Path, from_data, rounds, select
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import MeasureError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, PEER, ROUTER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import UNMADE, Device, Peer


def server(host: str, role: str, *names: str, keys: str = "key of {}") -> HostPlan:
    return HostPlan(
        host,
        role,
        addresses=tuple(
            Address(name, text) for name in names for text in (f"10.{name[2:]}.0.1/24", f"fd00:{name[2:]}::1/64")
        ),
        devices=tuple(Device(name, keys.format(name), 51820) for name in names),
        accesses=tuple(Access(name, 51820, (), (), (), (), "nothing", 1420, "") for name in names),
    )


def client(*names: str, family: str = "46") -> HostPlan:
    """Its links are called otherwise than the server's."""
    addresses = [Address(f"to-{name}", f"10.{name[2:]}.0.2/32") for name in names if "4" in family]
    addresses += [Address(f"to-{name}", f"fd00:{name[2:]}::2/128") for name in names if "6" in family]
    return HostPlan(
        "bench1",
        PEER,
        addresses=tuple(addresses),
        devices=tuple(Device(f"to-{name}", f"client key {name}") for name in names),
        peers=tuple(Peer(f"to-{name}", f"key of {name}", "nas1") for name in names),
    )


def plans(*all_of_them: HostPlan) -> dict[str, HostPlan]:
    return {plan.host: plan for plan in all_of_them}


NAS1 = server("nas1", NAS, "wg1", "wg2", "wg10")
ROUTER1 = server("router1", ROUTER, "wg0")


def refusals(*arguments: object) -> list[str]:
    with pytest.raises(MeasureError) as caught:
        select(*arguments)  # type: ignore[arg-type]
    return [str(fault) for fault in caught.value.faults]


def test_a_target_is_found_by_its_key_whatever_its_link_is_called() -> None:
    (target,) = select(plans(NAS1, ROUTER1, client("wg2")), "bench1").targets
    assert target == (
        "wg2",
        "nas1",
        "to-wg2",
        "key of wg2",
        "client key wg2",
        Path("10.2.0.1", "10.2.0.2"),
        Path("fd00:2::1", "fd00:2::2"),
    )


def test_a_target_survives_the_way_to_its_host() -> None:
    for target in select(plans(NAS1, client("wg1", "wg2", family="6")), "bench1").targets:
        assert from_data(target.to_data()) == target
        assert target.ipv4 is None


def test_interfaces_are_counted_as_people_count() -> None:
    found = select(plans(NAS1, client("wg10", "wg2", "wg1")), "bench1")
    assert [target.interface for target in found.targets] == ["wg1", "wg2", "wg10"]
    assert sorted(["wg10", "wg", "wg9x", "wg9", "a²"], key=natural) == ["a²", "wg", "wg9", "wg9x", "wg10"]


def test_what_the_client_is_no_peer_of_is_reported() -> None:
    found = select(plans(NAS1, ROUTER1, client("wg1", "wg0")), "bench1")
    assert [target.interface for target in found.targets] == ["wg1"]
    assert [name for name, _reason in found.left_out] == ["wg2", "wg10"]
    assert "clients: {bench-wg2: {interface: wg2, host: bench1, profile: …}}" in found.left_out[0][1]


def test_a_routers_interface_is_never_measured_unasked() -> None:
    assert refusals(plans(ROUTER1, client("wg0")), "bench1") == [
        "interfaces: no server with role nas has one; declare some and run site.yml"
    ]


def test_a_routers_interface_is_refused_by_name_and_all_faults_are_told_at_once() -> None:
    found = refusals(plans(NAS1, ROUTER1, client("wg0", "wg1")), "bench1", ("wg0", "wg1", "wg2", "wg99"))
    router, unknown, stranger = found
    assert router == (
        "interfaces: wg0: belongs to router1, which has role router; a benchmark touches only interfaces of servers "
        "with role nas (wg1, wg2, wg10)"
    )
    assert unknown == "interfaces: wg99: no server with role nas has such an interface; there are: wg1, wg2, wg10"
    assert stranger == (
        "interfaces: wg2: bench1 is no peer of wg2; declare it (clients: {bench-wg2: {interface: wg2, host: bench1, "
        "profile: …}}) and run site.yml"
    )


def test_a_client_that_is_a_peer_of_none_is_told_so_for_each() -> None:
    assert len(refusals(plans(NAS1), "bench1")) == 3


def test_a_key_that_is_not_made_yet_is_no_target() -> None:
    unmade = server("nas1", NAS, "wg1", keys=UNMADE)
    peer = client("wg1")._replace(peers=(Peer("to-wg1", UNMADE),))
    assert refusals(plans(unmade, peer), "bench1") == ["interfaces: wg1: nas1 has no key for it yet; run site.yml"]


def test_a_server_whose_key_is_changing_is_still_known() -> None:
    peer = client("wg1")._replace(peers=(Peer("to-wg1", "old key", successor="key of wg1"),))
    assert len(select(plans(NAS1, peer), "bench1").targets) == 1


NAMES = st.lists(st.integers(1, 15), min_size=1, max_size=15, unique=True).map(lambda all_: [f"wg{n}" for n in all_])


@given(NAMES, st.integers(1, 40), st.integers())
def test_every_round_has_every_interface_once_and_the_seed_decides(names: list[str], count: int, seed: int) -> None:
    orders = rounds(names, count, seed)
    assert len(orders) == count
    assert all(sorted(order) == sorted(names) for order in orders)
    assert rounds(names[::-1], count, seed) == orders


@given(NAMES, st.integers())
def test_over_twice_as_many_rounds_as_interfaces_each_has_each_place_equally_often(names: list[str], seed: int) -> None:
    orders = rounds(names, 2 * len(names), seed)
    for place in range(len(names)):
        assert set(Counter(order[place] for order in orders).values()) == {2}


def test_another_seed_gives_another_order() -> None:
    names = [f"wg{number}" for number in range(1, 16)]
    assert len({rounds(names, 1, seed) for seed in range(20)}) == 20
