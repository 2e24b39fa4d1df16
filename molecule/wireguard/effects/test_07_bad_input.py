"""Bad input and foreign state in the way: an error that says what and where, and nothing is touched anywhere."""

from __future__ import annotations

import pytest

from lab import machine, plane
from lab.snapshot import differences, take_all

HOSTS = ("router", "nas1", "peer1", "hub", "runner1", "runner2")
KEY = "VLH4FY0GV7kaQum8KYT06PoJthT77T8jx2AkDsoYPn8="


def _refused(inventory, *words):
    """A run fails with all these words in its error, and nothing changes on any host, in the ledger or in the plans."""
    files, before = inventory.files(), take_all(*HOSTS)
    run = inventory.site()
    assert run.code != 0
    assert run.busy() == set(), run.output
    assert [word for word in words if word not in run.output] == [], run.output
    assert inventory.files() == files
    assert differences(before, take_all(*HOSTS)) == ""


def _client(**fields):
    return {"interface": "wg0", "profile": "lan-only", **fields}


def _clients(**new):
    return lambda intent: intent["clients"].update(new)


def _interface(name, **fields):
    return lambda intent: intent["interfaces"][name].update(fields)


# What is wrong with the intent, and the words of the error that say where it is and what would be right. All of them
# are made at once, and are told in one run.
BAD = {
    "a_profile_that_the_interface_does_not_allow": (
        _clients(a={"interface": "wg1", "profile": "full"}),
        ("clients.a.profile: full is not allowed on wg1", "it allows lan-only"),
    ),
    "a_full_tunnel_on_an_interface_without_internet": (
        lambda intent: intent["bindings"]["wg2"].append("full"),
        ("bindings.wg2[1]: full has a full tunnel, and wg2 has no internet",),
    ),
    "networks_that_overlap_on_one_host": (
        _interface("wg3", subnets={"ipv4": "172.27.1.128/25"}),
        ("interfaces.wg3.subnets.ipv4: 172.27.1.128/25 overlaps 172.27.1.0/24, the network of wg1",),
    ),
    "a_client_of_an_unknown_interface": (
        _clients(b=_client(interface="wg16")),
        ("clients.b.interface: wg16 is not below `interfaces`",),
    ),
    "two_clients_with_one_key": (
        _clients(c=_client(public_key=KEY), d=_client(public_key=KEY)),
        ("clients.d.public_key", " c "),
    ),
    "a_key_that_is_too_short": (
        _clients(e=_client(public_key="VLH4FY0GV7kaQum8KYT06PoJthT77T8jx2AkDsoY")),
        ("clients.e.public_key",),
    ),
    "a_key_of_low_order": (
        _clients(f=_client(public_key="AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        ("clients.f.public_key", "low-order"),
    ),
    "an_address_outside_of_its_subnet": (
        _clients(g=_client(addresses={"ipv4": "172.28.0.9"})),
        ("clients.g.addresses.ipv4: 172.28.0.9 is outside of 172.27.0.0/",),
    ),
    "a_subnet_that_is_used_up": (
        lambda intent: intent["interfaces"]["wg0"]["subnets"].update(ipv4="172.27.0.0/28"),
        ("interfaces.wg0.subnets.ipv4: 172.27.0.0/28 has room for 13 clients",),
    ),
    "a_second_interface_on_one_port": (
        _interface("wg4", endpoint={"host": "198.19.0.1", "port": 51821}),
        ("interfaces.wg4.endpoint.port: 51821 is the port of wg1 too",),
    ),
}
# The same of what only the hosts, and those who look at them, can know.
BAD_ON_HOSTS = {
    "a_server_that_is_not_in_the_inventory": (
        lambda intent: (
            intent["servers"].update(router9={"role": "router", "management": {"ipv4": "198.18.0.9"}}),
            intent["interfaces"]["wg5"].update(server="router9"),
        ),
        ("router9",),
    ),
    "an_endpoint_that_does_not_resolve": (
        lambda intent: intent["interfaces"]["wg0"]["endpoint"].update(host="nowhere.invalid"),
        ("interfaces.wg0.endpoint.host: nowhere.invalid does not resolve",),
    ),
    "an_mtu_that_does_not_fit": (_interface("wg3", mtu=1480), ("interfaces.wg3.mtu", "1440")),
}


@pytest.mark.parametrize("cases", [BAD, BAD_ON_HOSTS], ids=["in_the_file", "on_the_hosts"])
def test_every_fault_of_an_intent_is_told_with_its_place_in_one_run(inventory, cases):
    for change, _words in cases.values():
        inventory.edit(change)
    try:
        _refused(inventory, *(word for _change, words in cases.values() for word in words))
    finally:
        inventory.restore()


NEW = {
    "wg98": {
        "server": "nas1",
        "endpoint": {"host": "198.19.0.1", "port": 51998},
        "subnets": {"ipv4": "172.27.98.0/24"},
    },
    "wg99": {
        "server": "router",
        "endpoint": {"host": "198.19.0.1", "port": 51999},
        "subnets": {"ipv4": "172.27.99.0/24"},
    },
}


def test_a_port_and_a_name_that_others_have_are_named_before_anything_is_changed(inventory, on):
    on("nas1", "systemd-run --unit lab-thief nc -u -l -k 51998")
    on("router", "ip link add wg99 type bridge")
    inventory.edit(lambda intent: intent["interfaces"].update(NEW))
    try:
        _refused(inventory, "nas1: ", "51998", "router: link wg99", "not made by weft")
    finally:
        on("nas1", "systemctl stop lab-thief")
        on("router", "ip link del wg99")
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
