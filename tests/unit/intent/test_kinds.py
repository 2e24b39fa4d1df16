# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds that descriptions are made of, on a description of our own that uses all of them."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent import document
from ansible_collections.weft.overlay.plugins.module_utils.intent.address import Address, Cidr, overlap
from ansible_collections.weft.overlay.plugins.module_utils.intent.collection import List, Map
from ansible_collections.weft.overlay.plugins.module_utils.intent.names import (
    DOCKER_NETWORK,
    INTERFACE,
    INTERFACE_PREFIX,
    ZONE,
    covered_by,
)
from ansible_collections.weft.overlay.plugins.module_utils.intent.node import Report, Scalar
from ansible_collections.weft.overlay.plugins.module_utils.intent.scalar import Boolean, Choice, Integer
from ansible_collections.weft.overlay.plugins.module_utils.intent.schema import Check, Field, Record


class Rule(NamedTuple):
    port: int
    protocol: str
    sources: tuple
    log: bool


class Policies(NamedTuple):
    web: object
    strict: bool


RULE = Record(
    build=Rule,
    fields={
        "port": Field(Integer(1, 65535, "a port"), "The port.", required=True),
        "protocol": Field(Choice(("tcp", "udp", "sctp")), "The protocol.", "tcp"),
        "sources": Field(List(Cidr(), at_least=1, unique=True), "Who may.", ["0.0.0.0/0", "::/0"]),
        "log": Field(Boolean(), "Whether it is logged.", False),
    },
    checks=(
        Check(("protocol", "log"), lambda protocol, log: [("log", "not for udp")] if protocol == "udp" and log else []),
    ),
)
POLICIES = Record(
    build=Policies,
    fields={
        "web": Field(Map(INTERFACE, List(RULE), noun="interface"), "Rules by interface.", {}),
        "strict": Field(Boolean(), "Whether it is strict.", True),
    },
)


def read(kind, text):
    report = Report("f")
    node = document.read(text, report)
    value = kind.read(node, "", report)
    return value, [str(fault) for fault in report.faults()]


def one(kind, text, plain=True):
    """The value or the fault of one scalar."""
    report = Report("f")
    value = kind.read(Scalar(1, text, plain), "x", report)
    faults = [fault.message for fault in report.faults()]
    assert (value is None) == bool(faults)
    return faults[0] if faults else value


def test_records_maps_and_lists_nest():
    value, faults = read(
        POLICIES, "web:\n  eth1: []\n  eth0: [{port: 80, sources: ['10.0.0.0/8']}, {port: 53, protocol: udp}]\n"
    )
    assert faults == []
    assert list(value.web) == ["eth0", "eth1"]
    assert value.web["eth0"] == (Rule(80, "tcp", ("10.0.0.0/8",), False), Rule(53, "udp", ("0.0.0.0/0", "::/0"), False))
    with pytest.raises(TypeError):
        value.web["eth2"] = ()


def test_every_fault_below_maps_and_lists_has_its_line_and_path():
    _value, faults = read(
        POLICIES,
        "strict: yes\n"
        "web:\n"
        "  'a b':\n"
        "    - port: 70000\n"
        "      protocol: tpc\n"
        "      sources: []\n"
        "  eth0:\n"
        "    - sources: [10.0.0.0/8, '::1/64', 10.0.0.0/8]\n"
        "      prot: tcp\n"
        "    - {port: 53, protocol: udp, log: true}\n"
        "    - 80\n"
        "    -\n"
        "  eth1:\n",
    )
    assert faults == [
        "f:1: strict: yes is not a boolean; write true",
        f'f:3: web["a b"]: "a b" holds a blank; an interface name is made of {INTERFACE.allowed}',
        'f:4: web["a b"][0].port: 70000 is not a port (1–65535)',
        'f:5: web["a b"][0].protocol: tpc is not tcp or udp or sctp; did you mean tcp?',
        'f:6: web["a b"][0].sources: has 0 of at least 1 entries',
        "f:8: web.eth0[0].port: is missing; give a port (1–65535)",
        "f:8: web.eth0[0].sources[1]: ::1/64 has host bits set; did you mean ::/64?",
        "f:8: web.eth0[0].sources[2]: 10.0.0.0/8 stands here twice; keep one",
        "f:9: web.eth0[0].prot: unknown key; did you mean port?",
        "f:10: web.eth0[1].log: not for udp",
        "f:11: web.eth0[2]: is a single value, where a mapping is wanted",
        "f:12: web.eth0[3]: has no value; give a mapping, or delete the line",
        "f:13: web.eth1: has no value; `[]` is the empty list",
    ]


def test_what_an_alias_stood_for_is_reported_once():
    _value, faults = read(POLICIES, "web: *other\n")
    assert faults == ["f:1: web: an alias (*other); aliases are not read here, write the value itself"]


def test_the_schema_says_what_the_parser_says():
    schema = POLICIES.schema()
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    assert validator.is_valid(yaml.safe_load("web: {eth0: [{port: 80, sources: ['10.0.0.0/8', '2001:db8::/32']}]}"))
    for wrong in (
        "web: {eth0: [{}]}",
        "web: {'a b': []}",
        "web: {eth0: [{port: 0}]}",
        "web: {eth0: [{port: 80, protocol: tpc}]}",
        "web: {eth0: [{port: 80, sources: []}]}",
        "web: {eth0: [{port: 80, sources: ['::/0', '::/0']}]}",
        "web: {eth0: [{port: 80, sources: [10.0.0.0]}]}",
        "strict: 'true'",
    ):
        assert not validator.is_valid(yaml.safe_load(wrong)), wrong
        assert read(POLICIES, wrong)[1], wrong


def test_the_reference_has_a_row_for_every_field():
    rows = [(row.path, row.default) for row in POLICIES.rows("policies")]
    assert rows == [
        ("policies.web", "`{}`"),
        ("policies.web.<interface>[].port", "required"),
        ("policies.web.<interface>[].protocol", "`tcp`"),
        ("policies.web.<interface>[].sources", '`["0.0.0.0/0", "::/0"]`'),
        ("policies.web.<interface>[].log", "`false`"),
        ("policies.strict", "`true`"),
    ]


@given(st.integers(-(10**25), 10**25))
def test_integers_are_read_in_their_range_only(number):
    found = one(Integer(-5, 70000), str(number))
    assert found == number if -5 <= number <= 70000 else "is not an integer (-5–70000)" in found


@pytest.mark.parametrize(
    "text", ["+1", "1_0", "0x1", "0o1", "01", "1.0", "1e1", "1:1", "-0", " 1", "1\n", "１", "", "-", "٣"]
)
def test_what_only_looks_like_a_number_is_none(text):
    assert "is not an integer" in one(Integer(0, 100), text, plain=True) or not text


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "True", "FALSE", "y", "1", "0"])
def test_booleans_are_true_and_false_only(text):
    assert "is not a boolean" in one(Boolean(), text)
    assert one(Boolean(), "true") is True
    assert one(Boolean(), "false") is False


@given(st.ip_addresses())
def test_addresses_are_canonical(address):
    assert one(Address(), str(address)) == str(address)
    assert one(Address(), address.exploded.upper()) == str(address)
    assert one(Address(family=10 - address.version), str(address)).endswith("is wanted here")


@pytest.mark.parametrize(
    "text",
    ["10.0.0", "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "10.0.0.00", "0x0a.0.0.1", "10", "167772161", "10.0.0.1 ",
     "1０.0.0.1", "fe80::1%eth0", "::1::", "12345::", "::ffff:010.0.0.1", "[::1]", "localhost", "10.0.0.1/8", ":",
     "-1.0.0.0"],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_none(text):
    assert "write" in one(Address(), text) or "is not an IP" in one(Address(), text)


@given(st.ip_addresses(), st.integers(0, 128))
def test_networks_are_canonical_and_without_host_bits(address, length):
    length = min(length, address.max_prefixlen)
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    assert one(Cidr(), str(network)) == str(network)
    if address != network.network_address:
        assert one(Cidr(), f"{address}/{length}") == f"{address}/{length} has host bits set; did you mean {network}?"
    pattern = jsonschema.Draft7Validator(Cidr().schema())
    assert pattern.is_valid(str(network))
    assert jsonschema.Draft7Validator(Cidr(network.version).schema()).is_valid(str(network))
    assert not jsonschema.Draft7Validator(Cidr(10 - network.version).schema()).is_valid(str(network))


@pytest.mark.parametrize(
    "text", ["10.0.0.0/", "/8", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/+8", "10.0.0.0/ 8", "::/129", "::/１"]
)
def test_what_only_looks_like_a_network_is_none(text):
    assert isinstance(one(Cidr(), text), str)
    assert one(Cidr(), text) != text


def test_networks_of_two_families_never_overlap():
    assert overlap("10.0.0.0/8", "10.1.0.0/16")
    assert not overlap("0.0.0.0/0", "::/0")


@pytest.mark.parametrize("kind", [INTERFACE, INTERFACE_PREFIX, ZONE, DOCKER_NETWORK], ids=lambda kind: kind.words)
@given(text=st.text(st.sampled_from("aZ09._-+/ ;$é\n"), max_size=20) | st.text(max_size=20))
def test_names_are_what_their_schema_says(kind, text):
    found = one(kind, text, plain=False)
    fits = jsonschema.Draft7Validator(kind.schema()).is_valid(text) and not text.endswith("\n")
    assert (found == text) == fits


def test_wildcards_of_ours_cover_no_well_known_interface():
    assert covered_by("vxkr") is None
    assert covered_by("kohaku-overlay") is None
    assert covered_by("et") == "eth0"
    assert covered_by("br-") == "br-"
