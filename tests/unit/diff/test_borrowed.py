# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the tables of networks borrow of the main table: every address there goes where it goes here, or nowhere."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.diff.borrowed import borrowed
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.route import (
    UNICAST,
    UNREACHABLE,
    Borrowed,
    ForeignRoute,
    Route,
)

TABLE = 119001
PLAN = HostPlan("router", ROUTER, links=(Link("wg0", WIREGUARD, "weft:router", ""),))
DEFAULT = ForeignRoute("0.0.0.0/0", "eth0", via="192.0.2.1")


def lent(*foreign, wish="0.0.0.0/0", **fields):
    """Routes of the table, as short texts; fields: of the plan."""
    plan = PLAN._replace(borrowed=(Borrowed(wish, TABLE),), **fields)
    return [_short(route) for route in borrowed(plan, foreign).routes]


def _short(route):
    assert (route.table, route.source) == (TABLE, "")
    if route.type != UNICAST:
        return f"{route.type} {route.destination}"
    return " ".join(part for part in (route.destination, route.via, route.link) if part)


def test_routes_within_are_taken_as_they_are():
    lan = ForeignRoute("192.168.7.0/24", "eth1")
    far = ForeignRoute("192.168.7.128/25", "eth1", via="192.168.7.2")
    assert lent(DEFAULT, lan, far, wish="192.168.7.0/24") == [
        "192.168.7.0/24 eth1",
        "192.168.7.128/25 192.168.7.2 eth1",
    ]
    assert lent(DEFAULT, lan) == ["0.0.0.0/0 192.0.2.1 eth0", "192.168.7.0/24 eth1"]


def test_the_nearest_one_around_is_narrowed():
    wide = ForeignRoute("192.168.0.0/16", "eth1", via="192.0.2.7")
    assert lent(DEFAULT, wide, wish="192.168.7.0/24") == ["192.168.7.0/24 192.0.2.7 eth1"]
    assert lent(DEFAULT, wish="192.168.7.0/24") == ["192.168.7.0/24 192.0.2.1 eth0"]


def test_families_are_never_mixed():
    six = ForeignRoute("::/0", "eth0", via="fe80::1")
    assert lent(DEFAULT, six) == ["0.0.0.0/0 192.0.2.1 eth0"]
    assert lent(DEFAULT, six, wish="::/0") == ["::/0 fe80::1 eth0"]
    assert lent(DEFAULT, six, wish="fd00:7::/64") == ["fd00:7::/64 fe80::1 eth0"]


def test_of_several_to_one_destination_the_lowest_metric_counts():
    routes = [ForeignRoute("0.0.0.0/0", f"eth{n}", metric=metric) for n, metric in enumerate((600, 100, 200))]
    assert lent(*routes) == ["0.0.0.0/0 eth1"]


@pytest.mark.parametrize(
    "other",
    [
        ForeignRoute("192.168.0.0/16", None, type="blackhole"),
        ForeignRoute("192.168.0.0/16", "lo", type=UNREACHABLE),
        ForeignRoute("192.168.0.0/16", "eth1", type=""),
        ForeignRoute("192.168.0.0/16", "wg0"),
    ],
)
def test_what_cannot_be_borrowed_leads_nowhere_and_neither_does_a_wider_route(other):
    assert lent(DEFAULT, other, wish="192.168.7.0/24") == []
    assert lent(DEFAULT, other, wish="192.168.0.0/16") == []
    assert lent(DEFAULT, other) == ["0.0.0.0/0 192.0.2.1 eth0", "unreachable 192.168.0.0/16"]


def test_our_own_routes_and_subnets_are_in_the_table_by_the_plan_or_not_at_all():
    own = {
        "routes": (Route("10.9.0.0/16", "", "wg0", ""), Route("10.9.0.0/16", "", "wg0", "", TABLE)),
        "addresses": (Address("wg0", "10.8.0.1/24"), Address("wg0", "10.7.0.1/24", prefix_route=False)),
    }
    assert lent(DEFAULT, **own) == ["0.0.0.0/0 192.0.2.1 eth0", "unreachable 10.8.0.0/24"]
    assert lent(DEFAULT, wish="10.8.0.128/25", **own) == []


def test_what_the_plan_says_of_a_destination_is_what_is_meant():
    route = Route("192.168.7.0/24", "10.8.0.2", "wg0", "", TABLE)
    assert lent(ForeignRoute("192.168.7.0/24", "eth1"), wish="192.168.7.0/24", routes=(route,)) == []


def test_routes_of_other_tables_are_not_the_main_tables():
    assert lent(ForeignRoute("0.0.0.0/0", "eth0", TABLE)) == []


@pytest.mark.parametrize(
    ("wish", "own", "link", "found"),
    [
        (0, 0, 1500, 0),
        (1300, 0, 1500, 1300),
        (1300, 0, 0, 1300),
        (1300, 0, 1300, 1300),
        (1300, 0, 1299, 0),
        (1300, 1400, 1500, 1300),
        (1300, 1280, 1500, 1280),
        (0, 1400, 1500, 1400),
        (0, 9000, 1500, 0),
    ],
)
def test_the_lesser_mtu_counts_of_the_network_the_route_and_the_link(wish, own, link, found):
    plan = PLAN._replace(borrowed=(Borrowed("0.0.0.0/0", TABLE, wish),))
    links = (ForeignLink("eth0", "device", mtu=link), ForeignLink("eth1", "device", mtu=576))
    (route,) = borrowed(plan, (DEFAULT._replace(mtu=own),), links).routes
    assert route == Route("0.0.0.0/0", "192.0.2.1", "eth0", "", TABLE, mtu=found)


def test_a_refusal_has_no_mtu():
    plan = PLAN._replace(borrowed=(Borrowed("0.0.0.0/0", TABLE, 1300),))
    found = borrowed(plan, (DEFAULT, ForeignRoute("192.168.0.0/16", None, type="blackhole"))).routes
    assert [(route.type, route.mtu) for route in found] == [(UNICAST, 1300), (UNREACHABLE, 0)]


def test_what_is_missed_and_leads_nowhere_is_told():
    wishes = (Borrowed("192.168.7.0/24", TABLE, missed=True), Borrowed("0.0.0.0/0", TABLE, missed=True))
    plan = PLAN._replace(borrowed=(*wishes, Borrowed("192.168.8.0/24", TABLE)))
    assert borrowed(plan, ()).notes == (
        "the main table leads nowhere for 192.168.7.0/24, so table 119001 does not either",
        "the main table leads nowhere for 0.0.0.0/0, so table 119001 does not either",
    )
    assert borrowed(plan, (DEFAULT,)).notes == ()


# A small world: four bits of address, so that prefixes meet.
_BASE = int(ip_address("192.168.0.0"))
_NETWORKS = st.builds(
    lambda number, length: str(ip_network((_BASE + number, length), strict=False)),
    st.integers(0, 15),
    st.integers(28, 32),
)
_FOREIGN = st.builds(
    ForeignRoute,
    _NETWORKS,
    st.sampled_from(("eth0", "eth1", "wg0", None)),
    metric=st.integers(0, 3),
    type=st.sampled_from((UNICAST, UNICAST, UNICAST, "blackhole", "")),
    via=st.just(""),
    table=st.just(254),
)


def _lookup(number, routes):
    """The route with the longest prefix; of several the one that comes first."""
    address = ip_address(_BASE + number)
    fitting = [route for route in routes if address in ip_network(route.destination)]
    return max(fitting, key=lambda route: int(route.destination.split("/")[1]), default=None)


@settings(max_examples=300, deadline=None)
@given(st.lists(_FOREIGN, max_size=8), st.lists(_NETWORKS, min_size=1, max_size=3), st.lists(_NETWORKS, max_size=2))
def test_an_address_goes_where_the_main_table_sends_it_or_nowhere(foreign, wishes, own):
    plan = PLAN._replace(
        borrowed=tuple(Borrowed(wish, TABLE) for wish in wishes),
        routes=tuple(Route(destination, "", "wg0", "") for destination in sorted(set(own))),
    )
    main = [*plan.routes, *sorted(foreign, key=lambda route: route.metric)]
    table = borrowed(plan, foreign).routes
    for number in range(16):
        here, there = _lookup(number, main), _lookup(number, table)
        asked = any(ip_address(_BASE + number) in ip_network(wish) for wish in wishes)
        # The kernel would take one of ours before any other; no test needs to know which, for none is lent.
        to_be_had = here is not None and here.type == UNICAST and here.link not in ("wg0", None)
        if asked and to_be_had:
            assert (there.type, there.link) == (UNICAST, here.link)
        else:
            assert there is None or there.type == UNREACHABLE
    assert len({route.key() for route in table}) == len(table)
