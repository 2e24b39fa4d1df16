# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Domains with a WireGuard plane: what is written is what is read, and what may not stand together is found."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import DOMAIN, parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.moment import Moment
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from tests.unit.intent.domains import domains, written

VALIDATOR = jsonschema.Draft7Validator(DOMAIN.schema())


def faults(domain):
    """(path, message) of every fault of a domain as a user would write it."""
    try:
        parse(written(domain), "domain.yaml")
    except IntentError as error:
        return [(fault.path, fault.message) for fault in error.faults]
    return []


def agrees(said, value):
    """Whether a value says what was written; what was not written is not looked at."""
    if isinstance(said, dict):
        read = value._asdict() if hasattr(value, "_asdict") else value
        return all(agrees(inner, read[key]) for key, inner in said.items())
    return tuple(said) == value if isinstance(said, list) else said == value


@given(domains())
def test_what_is_written_is_what_is_read(domain):
    assert VALIDATOR.is_valid(domain)
    intent = parse(written(domain), "domain.yaml")
    flow = written(domain, default_flow_style=True)
    assert parse(flow, "domain.yaml")._replace(notes=()) == intent._replace(notes=())
    for client in domain.get("clients", {}).values():
        if "expires" in client:
            client["expires"] = Moment().parse(client["expires"])
    assert agrees(domain, intent)
    assert [len(part) for part in intent[2:7]] == [
        len(domain.get(key, ())) for key in ("servers", "interfaces", "profiles", "bindings", "clients")
    ]


NETWORKS = [
    "192.168.0.0/16",
    "192.168.128.0/17",
    "192.168.200.0/24",
    "192.168.201.0/24",
    "172.20.0.0/16",
    "172.20.4.0/30",
]


@given(st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=5))
def test_tunnels_that_overlap_are_found_and_no_others(networks):
    links = {
        f"wg{number}": {"server": "r", "endpoint": {"host": "h", "port": number + 1}, "subnets": {"ipv4": network}}
        for number, network in enumerate(networks)
    }
    domain = {
        "version": 1,
        "servers": {"r": {"role": "router", "management": {"ipv4": "10.0.0.1"}}},
        "interfaces": links,
    }
    expected = set()
    for one, other in combinations(range(len(networks)), 2):
        if ipaddress.ip_network(networks[one]).overlaps(ipaddress.ip_network(networks[other])):
            expected.add(other)
    found = faults(domain)
    assert all("overlaps" in message for _path, message in found)
    # Every one that overlaps is in a fault, as the one or as the other.
    told = " ".join(f"{path} {message} " for path, message in found)
    for one, other in combinations(range(len(networks)), 2):
        if ipaddress.ip_network(networks[one]).overlaps(ipaddress.ip_network(networks[other])):
            assert f"wg{one}" in told
            assert f"wg{other}" in told
    assert bool(found) == bool(expected)


@given(st.lists(st.integers(0, 7), max_size=7), st.integers(29, 30))
def test_addresses_are_used_up_exactly_by_those_who_need_them(pins, length):
    """The numbers are places in the network; 0: not pinned."""
    network = ipaddress.ip_network(f"192.168.200.0/{length}")
    people = {
        f"c{number}": {
            "interface": "wg0",
            "profile": "own",
            **({"addresses": {"ipv4": f"192.168.200.{pin}"}} if pin else {}),
        }
        for number, pin in enumerate(pins)
    }
    found = faults({
        "version": 1,
        "servers": {"r": {"role": "router", "management": {"ipv4": "10.0.0.1"}}},
        "interfaces": {
            "wg0": {"server": "r", "endpoint": {"host": "h", "port": 1}, "subnets": {"ipv4": str(network)}}
        },
        "profiles": {"own": {}},
        "bindings": {"wg0": ["own"]},
        "clients": people,
    })  # fmt: skip
    free = list(network.hosts())[1:]
    expected = {"interfaces.wg0.subnets.ipv4"} if len(pins) > len(free) else set()
    for number, pin in enumerate(pins):
        address = ipaddress.ip_address(f"192.168.200.{pin}")
        if pin and (address not in free or pin in pins[:number]):
            expected.add(f"clients.c{number}.addresses.ipv4")
    assert {path for path, _message in found} == expected


@given(domains(), st.data())
def test_a_client_has_a_profile_that_its_interface_allows(domain, data):
    bindings = {
        link: data.draw(st.lists(st.sampled_from(sorted(domain["profiles"])), unique=True))
        for link in domain["interfaces"]
        if data.draw(st.booleans())
    }
    domain["bindings"] = bindings
    people = domain.get("clients", {})
    expected = [client["profile"] not in bindings.get(client["interface"], ()) for client in people.values()]
    found = faults(domain)
    assert all("is not allowed on" in message for _path, message in found)
    assert len(found) == sum(expected)
