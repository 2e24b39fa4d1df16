"""Bad input and foreign state in the way: an error that says what and where, and nothing is touched anywhere."""

from __future__ import annotations

import pytest

from lab import machine, plane
from lab.snapshot import differences, take_all

HOSTS = ("router", "nas1", "peer1", "hub", "runner1", "runner2")
KEY = "VLH4FY0GV7kaQum8KYT06PoJthT77T8jx2AkDsoYPn8="


@pytest.fixture(scope="module")
def before(inventory):
    """Of all hosts, once: no test of this file may change anything, so it holds for all of them."""
    return take_all(*HOSTS)


def _refused(inventory, before, *words):
    files = inventory.files()
    run = inventory.site()
    assert run.code != 0
    assert run.busy() == set(), run.output
    for word in words:
        assert word in run.output, run.output
    assert inventory.files() == files
    return run


def _client(**fields):
    return {"interface": "wg0", "profile": "lan-only", **fields}


def _clients(**new):
    return lambda intent: intent["clients"].update(new)


def _interface(name, **fields):
    return lambda intent: intent["interfaces"][name].update(fields)


# What is wrong with the intent, and the words of the error that say where it is and what would be right.
BAD = {
    "a_profile_that_the_interface_does_not_allow": (
        _clients(x={"interface": "wg1", "profile": "full"}),
        ("clients.x.profile", "full is not allowed on wg1", "lan-only"),
    ),
    "a_full_tunnel_on_an_interface_without_internet": (
        lambda intent: intent["bindings"]["wg1"].append("full"),
        ("bindings.wg1[1]", "full has a full tunnel, and wg1 has no internet"),
    ),
    "networks_that_overlap_on_one_host": (
        _interface("wg2", subnets={"ipv4": "172.27.1.128/25"}),
        ("interfaces.wg2.subnets.ipv4", "172.27.1.128/25 overlaps 172.27.1.0/24", "wg1"),
    ),
    "a_client_of_an_unknown_interface": (
        _clients(x=_client(interface="wg16")),
        ("clients.x.interface", "wg16 is not below `interfaces`"),
    ),
    "two_clients_with_one_key": (
        _clients(x=_client(public_key=KEY), y=_client(public_key=KEY)),
        ("clients.y.public_key", "x"),
    ),
    "a_key_that_is_too_short": (
        _clients(x=_client(public_key="VLH4FY0GV7kaQum8KYT06PoJthT77T8jx2AkDsoY")),
        ("clients.x.public_key",),
    ),
    "a_key_of_low_order": (
        _clients(x=_client(public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        ("clients.x.public_key",),
    ),
    "an_address_outside_of_its_subnet": (
        _clients(x=_client(addresses={"ipv4": "172.28.0.9"})),
        ("clients.x.addresses.ipv4", "172.28.0.9 is outside of 172.27.0.0/24"),
    ),
    "a_subnet_that_is_used_up": (
        lambda intent: intent["interfaces"]["wg0"]["subnets"].update(ipv4="172.27.0.0/28"),
        ("interfaces.wg0.subnets.ipv4", "room for 13 clients"),
    ),
    "a_second_interface_on_one_port": (
        _interface("wg2", endpoint={"host": "198.19.0.1", "port": 51821}),
        ("interfaces.wg2.endpoint.port", "51821 is the port of wg1 too"),
    ),
    "a_server_that_is_not_in_the_inventory": (
        lambda intent: (
            intent["servers"].update(router9={"role": "router", "management": {"ipv4": "198.18.0.9"}}),
            intent["interfaces"]["wg0"].update(server="router9"),
        ),
        ("router9",),
    ),
    "an_endpoint_that_does_not_resolve": (
        lambda intent: intent["interfaces"]["wg0"]["endpoint"].update(host="nowhere.invalid"),
        ("nowhere.invalid", "peer1"),
    ),
    "an_mtu_that_does_not_fit": (_interface("wg3", mtu=1480), ("interfaces.wg3.mtu", "1440")),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_intent_is_told_with_its_place(inventory, before, case):
    change, words = BAD[case]
    inventory.edit(change)
    try:
        _refused(inventory, before, *words)
    finally:
        inventory.restore()


def test_all_faults_are_told_in_one_run(inventory, before):
    for case in ("a_client_of_an_unknown_interface", "a_second_interface_on_one_port"):
        inventory.edit(BAD[case][0])
    try:
        _refused(inventory, before, "clients.x.interface", "interfaces.wg2.endpoint.port")
    finally:
        inventory.restore()


def test_all_that_left_every_host_as_it_was(before):
    assert differences(before, take_all(*HOSTS)) == ""


# host, what stands in the way, what takes it away, words
BLOCKING = {
    "a_port_that_a_foreign_process_has": (
        "nas1",
        "systemd-run --unit lab-thief nc -u -l -k 51999",
        "systemctl stop lab-thief",
        ("nas1", "51999"),
    ),
    "a_foreign_link_of_the_name": (
        "router",
        "ip link add wg99 type bridge",
        "ip link del wg99",
        ("router: link wg99", "not made by weft"),
    ),
}
NEW = {
    "nas1": {
        "server": "nas1",
        "endpoint": {"host": "198.19.0.1", "port": 51999},
        "subnets": {"ipv4": "172.27.99.0/24"},
    },
    "router": {
        "server": "router",
        "endpoint": {"host": "198.19.0.1", "port": 51998},
        "subnets": {"ipv4": "172.27.98.0/24"},
    },
}


@pytest.mark.parametrize("case", BLOCKING)
def test_what_stands_in_the_way_is_named_before_anything_is_changed(inventory, on, case):
    host, put, take_away, words = BLOCKING[case]
    on(host, put)
    inventory.edit(lambda intent: intent["interfaces"].update(wg99=NEW[host]))
    beside = take_all(*HOSTS)
    try:
        _refused(inventory, beside, *words)
        assert differences(beside, take_all(*HOSTS)) == ""
    finally:
        on(host, take_away)
        inventory.restore()


def test_a_lan_that_a_client_is_likely_to_have_itself_is_a_warning_only(inventory):
    inventory.edit(lambda intent: intent["interfaces"]["wg1"]["lan"].append("192.168.1.0/24"))
    try:
        run = inventory.plan("-e", "offline=true")
    finally:
        inventory.restore()
    assert run.code == 0, run.output
    assert "192.168.1.0/24" in run.output
    assert "interfaces.wg1.lan" in run.output


def test_when_nothing_is_wrong_any_more_nothing_is_left_to_do(inventory):
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
    assert machine.execute("router", "wg", "show", "wg0", "peers").stdout.count("\n") == len(plane.ON_ROUTER) + 1
