# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks, namespaces, peers, policies and tests: what is written is what is read, whatever stands in the file."""

from __future__ import annotations

import ipaddress
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import DOMAIN, parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import TENANCY, parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from tests.unit.intent.domains import written
from tests.unit.intent.tenants import shuffled, tenancies

VALIDATOR = jsonschema.Draft7Validator(TENANCY.schema())
CASES = sorted((Path(__file__).parent / "tenancy" / "cases").iterdir())


def faults(text):
    """Every fault; (): there is a tenancy."""
    try:
        parse_tenancy(text, "domain.yaml")
    except IntentError as error:
        return error.faults
    return ()


@st.composite
def two_orders(draw):
    tenancy = draw(tenancies())
    return tenancy, shuffled(draw, tenancy)


@given(two_orders())
def test_the_order_of_keys_means_nothing(both):
    one, other = (parse_tenancy(written(tenancy), "domain.yaml") for tenancy in both)
    assert one._replace(notes=()) == other._replace(notes=())
    assert sorted((note.path, note.message) for note in one.notes) == sorted(
        (note.path, note.message) for note in other.notes
    )
    # Also where a reader sees it: a mapping that is equal may be in another order.
    assert repr(one._replace(notes=())) == repr(other._replace(notes=()))


@given(tenancies())
def test_what_is_written_is_what_is_read(tenancy):
    assert VALIDATOR.is_valid(tenancy)
    found = parse_tenancy(written(tenancy), "domain.yaml")
    for key in ("networks", "namespaces", "peers", "policies"):
        assert list(getattr(found, key)) == sorted(tenancy[key])
    for name, said in tenancy["peers"].items():
        peer = found.peers[name]
        beings = {key: said.get(key) for key in ("client", "server", "runner")}
        assert {key: getattr(peer, key) for key in beings} == beings
        assert (*peer.addresses, *peer.subnets) == (*said.get("addresses", ()), *said.get("subnets", ()))
    for name, said in tenancy["policies"].items():
        for direction, field in ("ingress", "from"), ("egress", "to"):
            rules = getattr(found.policies[name], direction)
            assert [rule.action for rule in rules] == [rule.get("action", "allow") for rule in said.get(direction, ())]
            assert [[agrees(*pair) for pair in zip(rule.others, other.get(field, ()))] for rule, other in zip(
                rules, said.get(direction, ())
            )] == [[True] * len(other.get(field, ())) for other in said.get(direction, ())]  # fmt: skip
            for rule, other in zip(rules, said.get(direction, ())):
                assert list(rule.ports) == [span(port) for port in other.get("ports", ())]
    assert [(test.source, test.destination, test.port) for test in found.tests] == [
        (test["from"], test["to"], test.get("port", test.get("type"))) for test in tenancy["tests"]
    ]


def agrees(others, said):
    given = (others.peers is not None, others.namespaces is not None, others.cidr, list(others.excluded))
    return given == ("peers" in said, "namespaces" in said, said.get("cidr"), said.get("except", []))


def span(port):
    first = port.get("port", port.get("type"))
    return (port["protocol"], first, port.get("end", first))


JUNK = [None, "", "x", "net0", "10.0.0.0/8", "::1", -1, 0, 70000, True, [], {}, [None], [[]], {"a": {}}]


@st.composite
def broken(draw):
    """A tenancy with one thing in it deleted, called otherwise, or replaced by what does not belong there."""
    tenancy = draw(tenancies())
    places = list(containers(tenancy))
    holder = draw(st.sampled_from([place for place in places if place]))
    key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    deed = draw(st.sampled_from(["delete", "replace", "move", "rename"]))
    if deed == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from(["x", "port", "labels", "peers", "cidr", "world"]))] = holder.pop(key)
    elif deed == "delete":
        del holder[key]
    else:
        holder[key] = deepcopy(draw(st.sampled_from(JUNK if deed == "replace" else places)))
    return tenancy


def containers(value):
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@given(broken())
def test_whatever_is_broken_there_is_a_tenancy_or_faults_with_their_lines(tenancy):
    text = written(tenancy)
    for fault in faults(text):
        file, line = fault.place.split(":")
        assert file == "domain.yaml"
        assert 1 <= int(line) <= len(text.splitlines())
        assert fault.message


CIDRS = ["10.0.0.0/29", "10.0.0.0/30", "10.0.0.4/30", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.6/32", "10.0.0.8/29"]


@given(st.lists(st.sampled_from(CIDRS), max_size=5, unique=True))
def test_exceptions_leave_something_and_take_nothing_else(excluded):
    others = {"cidr": "10.0.0.0/29", "except": excluded}
    said = {"policies": {"p": {"namespace": "n", "select": {}, "ingress": [{"from": [others]}]}}}
    found = [fault.path for fault in faults(written(said)) if "except" in fault.path]
    whole = set(ipaddress.ip_network(others["cidr"]))
    parts = [set(ipaddress.ip_network(cidr)) for cidr in excluded]
    place = "policies.p.ingress[0].from[0].except"
    outside = [f"{place}[{number}]" for number, part in enumerate(parts) if not part <= whole]
    nothing = [place] if whole <= set().union(*parts) else []
    assert sorted(found) == sorted(outside + nothing)


CLAIMS = st.lists(st.tuples(st.sampled_from(["one", "two", "far"]), st.sampled_from(CIDRS)), max_size=6)


@given(CLAIMS)
def test_a_prefix_that_two_claim_is_found_and_no_other(claims):
    said = {
        "networks": {"net": {"cidrs": ["10.0.0.0/24"]}, "other": {"cidrs": ["10.0.0.0/24"]}},
        "namespaces": {"one": {"network": "net"}, "two": {"network": "net"}, "far": {"network": "other"}},
        "peers": {
            f"p{number}": {
                "namespace": space,
                **({"addresses": [cidr[:-3]]} if cidr.endswith("/32") and number % 2 else {"subnets": [cidr]}),
            }
            for number, (space, cidr) in enumerate(claims)
        },
    }
    homes = [(said["namespaces"][space]["network"], cidr) for space, cidr in claims]
    expected = [f"p{number}" for number, claim in enumerate(homes) if claim in homes[:number]]
    assert [fault.path.split(".")[1] for fault in faults(written(said))] == expected


WIREGUARD = """\
version: 1
servers:
  router1: {role: router, management: {ipv4: 192.168.20.1}}
interfaces:
  wg0: {server: router1, endpoint: {host: vpn.example.net, port: 51820}, subnets: {ipv4: 192.168.210.0/24}}
profiles:
  own: {}
bindings:
  wg0: [own]
clients:
  anna: {interface: wg0, profile: own}
networks:
  prod: {cidrs: [192.168.210.0/24]}
namespaces:
  web: {network: prod}
"""


def test_beside_clients_and_servers_peers_name_those_that_there_are():
    text = (
        WIREGUARD
        + """\
peers:
  phone: {namespace: web, client: anna}
  ana: {namespace: web, client: ana}
  router: {namespace: web, server: router1}
  nas: {namespace: web, server: router2}
"""
    )
    with pytest.raises(IntentError) as caught:
        parse(text, "domain.yaml")
    assert [str(fault) for fault in caught.value.faults] == [
        "domain.yaml:18: peers.ana.client: ana is not below `clients`; did you mean anna?",
        "domain.yaml:20: peers.nas.server: router2 is not below `servers`; did you mean router1?",
    ]


def test_a_domain_with_tenants_can_be_described_for_editors():
    jsonschema.Draft7Validator.check_schema(TENANCY.schema())
    jsonschema.Draft7Validator.check_schema(DOMAIN.schema())


def test_every_field_has_a_row_in_the_reference():
    rows = list(TENANCY.rows(""))
    assert len({row.path for row in rows}) == len(rows)
    assert all(row.path and row.type and row.default and row.says.endswith((".", "`")) for row in rows)
    paths = {row.path for row in rows}
    assert {
        "networks.<network>.cidrs",
        "peers.<peer>.addresses",
        "policies.<policy>.ingress[].from[].peers.matchExpressions[].operator",
        "policies.<policy>.egress[].to[].except",
        "policies.<policy>.ingress[].ports[].end",
        "tests[].expect",
    } <= paths


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_taken_an_editor_takes_too(case):
    taken = (case / "expected.json").exists()
    said = yaml.safe_load((case / "domain.yaml").read_text(encoding="utf-8"))
    assert VALIDATOR.is_valid(said) or not taken
