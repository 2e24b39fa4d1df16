# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks with routing tables of their own, shown with packets that a router forwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import Numbers
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.tags import allocated
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError, converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route
from ansible_collections.weft.overlay.tests.integration.kernel.network_hosts import DESTINATIONS, MAIN, Router, ways

pytestmark = pytest.mark.usefixtures("disk")

NOTHING = HostPlan("hub", HUB)
UNTAGGED, UNMARKED = 255, 256
FAMILIES = (4, 6)


def kernel() -> HostKernel:
    return HostKernel(ask_docker=False)


def plan_of(tags: Iterable[int], silent: Iterable[int] = ()) -> HostPlan:
    """Networks with these tags; the next hop of each is the one with its number. silent: those without routes."""
    tags, silent = list(tags), set(silent)
    tables = routing({str(tag): tag for tag in tags}, {str(tag): ways(tag) for tag in tags if tag not in silent})
    return NOTHING._replace(routes=tables.routes, rules=tables.rules)


def witness(host: Any) -> tuple[str, ...]:
    """Rules and routes of all tables, as iproute2 spells them."""
    return tuple(host.ip(f"-j {family} {what}") for family in ("-4", "-6") for what in ("rule", "route show table all"))


def in_any_order(texts: Iterable[str]) -> list[list[str]]:
    return [sorted(map(json.dumps, json.loads(text))) for text in texts]


def hops(tags: Iterable[int]) -> dict[tuple[int, int], int]:
    return {(family, tag): tag for family in FAMILIES for tag in tags}


@pytest.fixture
def router(host: Any) -> Iterator[Router]:
    with Router(host) as found:
        yield found


# Of no network, whatever else is done.
OTHERS = {(family, tag): MAIN for family in FAMILIES for tag in (UNTAGGED, UNMARKED)}


def test_without_networks_a_mark_is_nothing(router: Router) -> None:
    found, answers = router.send([1, 2, UNTAGGED, UNMARKED])
    assert found == {(family, tag): MAIN for family in FAMILIES for tag in (1, 2, UNTAGGED, UNMARKED)}
    assert answers == {}


def test_two_networks_have_different_ways_to_one_destination(router: Router) -> None:
    converge(plan_of([1, 2]), kernel())
    found, answers = router.send([1, 2, UNTAGGED, UNMARKED])
    assert found == {**hops([1, 2]), **OTHERS}
    assert answers == {}


def test_a_network_without_a_way_is_answered_and_never_goes_by_the_main_table(router: Router) -> None:
    """So is a tag that this host has no network for."""
    converge(plan_of([1, 2, 3], silent=[2]), kernel())
    found, answers = router.send([1, 2, 3, 4, 100, 254, UNTAGGED, UNMARKED])
    assert found == {**hops([1, 3]), **OTHERS}
    assert answers == {
        (4, 2): "EHOSTUNREACH",
        (6, 2): "ENETUNREACH",
        **{(family, tag): "ENETUNREACH" for family in FAMILIES for tag in (4, 100, 254)},
    }


def test_a_way_that_is_lost_with_its_link_is_refused(host: Any, router: Router) -> None:
    converge(plan_of([1]), kernel())
    host.ip("link add side type veth peer name edis")
    host.batch(["link set side up", "link set edis up"])
    default = Route("0.0.0.0/0", "", "side", "")
    tables = routing({"1": 1}, {"1": [default, default._replace(destination="::/0")]})
    converge(NOTHING._replace(routes=tables.routes, rules=tables.rules), kernel())
    host.ip("link del side")
    found, answers = router.send([1])
    assert (found, set(answers)) == ({}, {(4, 1), (6, 1)})


@pytest.mark.parametrize("count", [32, 33, 254])
def test_many_networks_go_their_ways(host: Any, router: Router, count: int) -> None:
    """Some hundreds of networks in a domain; this host is in so many of them, and 254 are all that marks tell apart."""
    names = sorted(f"net{number}" for number in range(300))[:count]
    tags, faults = allocated("hub", names, Numbers())
    assert faults == ()
    before = witness(host)
    plan = plan_of(tags.given.values())
    converge(plan, kernel())
    found, answers = router.send([*range(1, 255), UNTAGGED, UNMARKED])
    assert found == {**hops(range(1, count + 1)), **OTHERS}
    refused = set(range(count + 1, 255))
    assert {tag for family, tag in answers if family == 6} == refused
    assert {tag for family, tag in answers if family == 4} <= refused
    assert converge(plan, kernel()).changes == ()
    converge(NOTHING, kernel())
    assert witness(host) == before


def test_networks_come_and_go_and_the_others_keep_their_ways(host: Any, router: Router) -> None:
    before = witness(host)
    for tags in ({1, 2}, {2, 3, 40}, set(range(2, 40)), {5, 254}):
        plan = plan_of(tags)
        converge(plan, kernel())
        found, _answers = router.send([*sorted(tags), UNTAGGED, UNMARKED])
        assert found == {**hops(tags), **OTHERS}
        assert converge(plan, kernel()).changes == ()
    converge(NOTHING, kernel())
    assert witness(host) == before


def test_while_networks_come_and_go_no_packet_of_theirs_goes_by_the_main_table_and_none_of_the_others_is_lost(
    router: Router,
) -> None:
    """Also over the number from which they are a tree, and back."""
    converge(plan_of([2]), kernel())

    def work() -> None:
        for tags in ({2, 3}, {2}, set(range(2, 40)), {2, 3, 254}, {2}, {2, 3}):
            converge(plan_of(tags), kernel())

    seen, sent = router.keep_sending([2, 3, UNTAGGED, UNMARKED], work)
    for family in FAMILIES:
        assert seen[family, 2] == {2: sent[family, 2]}
        assert set(seen[family, 3]) == {3}
        assert 0 < seen[family, 3][3] < sent[family, 3]
        for tag in (UNTAGGED, UNMARKED):
            assert seen[family, tag] == {MAIN: sent[family, tag]}


FOREIGN = (
    "rule add priority 5210 fwmark 0x80000/0xff0000 lookup main",
    "rule add priority 5270 lookup 52",
    "rule add priority 32764 not fwmark 0xca6c lookup 51820",
    "rule add priority 20 from 192.0.2.77 lookup 77",
    "-6 rule add priority 5270 lookup 52",
    "-6 rule add priority 100 iif cable fwmark 0x4000/0x4000 lookup 78",
    "route add 10.50.0.0/16 via 10.60.0.9 table 52",
    "route add default via 10.60.0.9 table 51820",
    "route add unreachable default table 119200 metric 7",
    "-6 route add fd00:50::/64 via fd00:60::9 table 52",
    "-6 route add blackhole default table 78 metric 4294967295",
)


@pytest.mark.fault("F25")
def test_rules_and_routes_of_others_are_untouched_to_the_byte(host: Any, router: Router) -> None:
    for command in FOREIGN:
        host.ip(command)
    before = witness(host)
    plan = plan_of([1, 2])
    converge(plan, kernel())
    # Packets of networks do not see them.
    found, _answers = router.send([1, 2])
    assert found == hops([1, 2])
    during = witness(host)
    assert converge(plan, kernel()).changes == ()
    assert witness(host) == during
    converge(plan_of([2, 50]), kernel())
    converge(NOTHING, kernel())
    assert witness(host) == before


@pytest.mark.fault("F25")
@pytest.mark.usefixtures("router")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            "rule add priority 73 lookup 52",
            r"routing rule ipv4 73 lookup 52: takes packets of networks and stands among",
        ),
        (
            "-6 rule add priority 60 lookup 52",
            r"routing rule ipv6 60 lookup 52: takes packets of networks and stands bef",
        ),
        ("rule add priority 200 fwmark 0x1000000/0xff000000 lookup 52", r"use other bits"),
        (
            "route add 10.9.0.0/16 dev near table 119002",
            r"route 10\.9\.0\.0/16 on near in table 119002: was not made by",
        ),
        ("-6 route add unreachable default table 119001", r"route ::/0 on lo in table 119001: was not made by weft"),
    ],
)
def test_what_stands_in_the_way_is_named_before_anything_is_changed(host: Any, command: str, message: str) -> None:
    host.ip(command)
    before = witness(host)
    with pytest.raises(ConflictError, match=message):
        converge(plan_of([1, 2]), kernel())
    assert witness(host) == before


def test_what_wg_quick_starts_afterwards_stands_before_us_and_is_told(host: Any, router: Router) -> None:
    """Without a priority of its own a rule gets the one before the first that there is."""
    converge(plan_of([1, 2]), kernel())
    host.ip("rule add not fwmark 0xca6c lookup 51820")
    with pytest.raises(ConflictError, match=r"ipv4 69 not fwmark 0xca6c/0xffffffff lookup 51820: takes packets of net"):
        converge(plan_of([1, 2]), kernel())
    host.ip("rule del priority 69")
    assert converge(plan_of([1, 2]), kernel()).changes == ()
    found, _answers = router.send([1, 2])
    assert found == hops([1, 2])


def test_what_somebody_took_away_or_added_in_our_name_is_mended(host: Any, router: Router) -> None:
    plan = plan_of([1, 2, 3])
    converge(plan, kernel())
    after = witness(host)
    host.ip("rule del priority 90")
    host.ip("rule del priority 73 fwmark 0x2000000/0xff000000")
    host.ip("rule add priority 75 fwmark 0x3000000/0xff000000 lookup 119001 protocol 119")
    host.ip("-6 rule del priority 70")
    host.ip("route del unreachable default table 119002 metric 4294967295")
    host.ip("-6 route del fd00:50::/64 table 119003")
    host.ip("route add 10.51.0.0/16 via 10.60.0.9 table 119001 proto 119")
    converge(plan, kernel())
    found, _answers = router.send([1, 2, 3, UNTAGGED, UNMARKED])
    assert found == {**hops([1, 2, 3]), **OTHERS}
    assert converge(plan, kernel()).changes == ()
    assert in_any_order(witness(host)) == in_any_order(after)


@pytest.mark.usefixtures("router")
def test_what_fails_is_undone_to_the_byte(host: Any) -> None:
    converge(plan_of([1, 2]), kernel())
    before = witness(host)
    wrong = plan_of([2, 3])
    wrong = wrong._replace(routes=(*wrong.routes, Route(DESTINATIONS[0], "", "nolink0", "", 119003)))
    with pytest.raises(UndoneError, match=r"there is no link nolink0; everything was changed back"):
        converge(wrong, kernel())
    assert witness(host) == before
