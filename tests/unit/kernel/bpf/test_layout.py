# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What C and Python both know of BPF maps is the same: structures by the BTF of the compiled programs, numbers by the
headers."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from struct import Struct
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import layout
from ansible_collections.weft.overlay.plugins.module_utils.model import marks, policy

BPF = Path(__file__).resolve().parents[4] / "files" / "bpf"
HOOKS = ("ingress", "egress")

# A structure, its format, and its members in order; what is nested is spelled out, padding is left out.
STRUCTURES = {
    "weft_place": (layout.PLACE, "scope address"),
    "weft_prefix": (layout.PREFIX, "length place.scope place.address"),
    "weft_endpoint": (layout.ENDPOINT, "identity class network flags"),
    "weft_pair": (layout.PAIR, "source destination port protocol"),
    "weft_verdict": (layout.VERDICT, "rule verdict observed"),
    "weft_identity_key": (layout.IDENTITY_KEY, "scope identity"),
    "weft_attachment": (layout.ATTACHMENT, "number network flags"),
    "weft_binding_key": (layout.BINDING_KEY, "interface address"),
    "weft_binding": (layout.BINDING, "identity"),
    "weft_flow_key": (layout.FLOW_KEY, "source destination network source_port destination_port protocol"),
    "weft_flow": (layout.FLOW, "seen"),
    "weft_judged_key": (
        layout.JUDGED_KEY,
        "source destination attachment network source_port destination_port protocol",
    ),
    "weft_judged": (
        layout.JUDGED,
        "seen generation turn tag link mtu family next translated shadow.source shadow.destination",
    ),
    "weft_shadow": (layout.SHADOW_VALUE, "prefix mask"),
    "weft_fragment_key": (layout.FRAGMENT_KEY, "source destination scope number protocol"),
    "weft_fragment": (layout.FRAGMENT, "seen source_port destination_port protocol type opening"),
    "weft_counter_key": (layout.COUNTER_KEY, "source destination reason observed"),
    "weft_counter": (layout.COUNTER, "packets bytes unrecorded"),
    "weft_bucket_key": (layout.BUCKET_KEY, "identity attachment"),
    "weft_event": (
        layout.EVENT,
        (
            "time source destination source_identity destination_identity network attachment interface rule length "
            "source_port destination_port ethertype protocol type reason observed direction generation"
        ),
    ),
}


class Btf:
    """The types of an object."""

    def __init__(self, path: Path) -> None:
        command = ["bpftool", "--json", "btf", "dump", "file", str(path)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        self._types = {found["id"]: found for found in json.loads(run.stdout)["types"]}
        self._structs = {found["name"]: found for found in self._types.values() if found["kind"] == "STRUCT"}

    def size(self, name: str) -> int:
        size: int = self._structs[name]["size"]
        return size

    def members(self, name: str, at: int = 0, before: str = "") -> list[tuple[str, int, int]]:
        """(name, offset, size) of all members, those of structures in their place; an address is one."""
        found = []
        for member in self._structs[name]["members"]:
            kind, offset = self._resolved(member["type_id"]), at + member["bits_offset"] // 8
            inner = kind.get("name", "")
            if kind["kind"] == "STRUCT" and inner != "weft_address":
                found += self.members(inner, offset, f"{before}{member['name']}.")
            elif member["name"] != "pad":
                found.append((before + member["name"], offset, self._size(kind)))
        return found

    def _resolved(self, number: int) -> dict[str, Any]:
        kind = self._types[number]
        return self._resolved(kind["type_id"]) if kind["kind"] in ("TYPEDEF", "CONST") else kind

    def _size(self, kind: dict[str, Any]) -> int:
        if kind["kind"] == "ARRAY":
            return int(kind["nr_elems"]) * self._size(self._resolved(kind["type_id"]))
        return int(kind["size"])


@pytest.fixture(scope="module", params=HOOKS)
def btf(request: pytest.FixtureRequest) -> Btf:
    path = BPF / f"{request.param}.bpf.o"
    if not path.is_file():
        pytest.fail(f"{path} is not compiled; run `make bpf`")
    return Btf(path)


def positions(form: Struct) -> list[tuple[int, int]]:
    """(offset, size) of each value of a format."""
    found, before = [], "="
    for count, letter in re.findall(r"(\d*)([a-zA-Z])", form.format[1:]):
        for one in [f"{count}s"] if letter == "s" else [letter] * int(count or 1):
            size = Struct("=" + one).size
            if one != "x":
                found.append((Struct(before).size, size))
            before += one
    return found


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_a_structure_is_where_python_looks_for_it(btf: Btf, name: str) -> None:
    form, members = STRUCTURES[name]
    expected = [(member, *position) for member, position in zip(members.split(), positions(form))]
    assert len(members.split()) == len(positions(form))
    assert btf.members(name) == expected
    assert btf.size(name) == form.size


def test_ports_are_in_the_order_that_python_writes_them(btf: Btf) -> None:
    assert btf.members("weft_port_classes") == [("tcp", 0, 131072), ("udp", 131072, 131072), ("sctp", 262144, 131072)]
    assert btf.size("weft_port_classes") == layout.PORT_CLASSES_SIZE


def test_no_structure_is_forgotten() -> None:
    declared = set(re.findall(r"^struct (weft_\w+) \{", (BPF / "include" / "layout.h").read_text(), re.MULTILINE))
    assert declared == {*STRUCTURES, "weft_address", "weft_port_classes", "weft_ends"}


def test_reasons_have_the_same_numbers_and_names() -> None:
    text = (BPF / "include" / "reasons.h").read_text()
    found = [(int(number), name) for number, name in re.findall(r"X\((\d+), (\w+)\)", text)]
    assert found == [(reason.number, reason.name) for reason in policy.REASONS]


def test_numbers_are_the_same() -> None:
    text = "\n".join(path.read_text() for path in sorted((BPF / "include").glob("*.h")))
    defined = {name: int(value, 0) for name, value in re.findall(r"#define WEFT_(\w+) (\w+?)U?(?:\s|$)", text)
               if value[0].isdigit()}  # fmt: skip
    expected = {
        "LAYOUT": layout.VERSION,
        "SLOTS": layout.SLOTS,
        "INGRESS": 0,
        "EGRESS": 1,
        "MARK_MASK": marks.MARK_MASK,
        "MARK_SHIFT": marks.MARK_SHIFT,
        "TAG_SHIFT": marks.MARK_SHIFT,
        "NO_TAG": marks.NO_TAG,
        "LAST_WORD": layout.LAST_WORD,
    }
    names = (
        *("PEER", "OBSERVES_INGRESS", "OBSERVES_EGRESS", "LOCAL", "SHARED", "WORLD", "DENY", "ALLOW", "ANY_PROTOCOL"),
        *("SHADOW", "NO_ATTACHMENT", "EVERY_NETWORK", "LAYER_3", "HAS_ROUTER", "BOUND", "PORTS", "TUNNEL", "FORWARDS"),
        "PORT",
    )
    assert defined == {**expected, **{name: getattr(policy, name) for name in names}}


def test_each_port_has_the_class_of_the_entry_before_it() -> None:
    found = layout.pack(
        policy.PolicyMaps(
            port_classes=(
                policy.PortClass(6, 0, 0),
                policy.PortClass(6, 80, 80),
                policy.PortClass(6, 81, 0),
                policy.PortClass(132, 0, 0),
                policy.PortClass(132, 65535, 65535),
            )
        )
    ).port_classes
    classes = Struct("=196608H").unpack(found)
    assert [classes[port] for port in (0, 79, 80, 81, 65535)] == [0, 0, 80, 0, 0]
    assert set(classes[65536:131072]) == {0}
    assert classes[131072:][-2:] == (0, 65535)


def test_single_addresses_are_apart_from_prefixes() -> None:
    someone = policy.Endpoint(256, 257, 3, 1)
    texts = ("10.0.0.1", "10.0.0.2/32", "10.0.0.0/8", "0.0.0.0/0", "fd00::1/128", "fd00::/8", "::/0")
    found = layout.pack(policy.PolicyMaps(sources=tuple(policy.Place(7, text, someone) for text in texts)))
    value = layout.ENDPOINT.pack(256, 257, 3, 1)
    mapped = bytes(10) + b"\xff\xff"
    assert found.sources == {
        layout.PLACE.pack(7, mapped + b"\x0a\0\0\x01"): value,
        layout.PLACE.pack(7, mapped + b"\x0a\0\0\x02"): value,
        layout.PLACE.pack(7, b"\xfd" + bytes(14) + b"\x01"): value,
    }
    assert {layout.PREFIX.unpack(key)[0] - 32 for key in found.source_prefixes} == {104, 96, 8, 0}
    assert (found.destinations, found.verdicts) == ({}, {})


SOMEONE = policy.Endpoint(256, 257, 3, policy.PEER)
WORLD = policy.Endpoint(policy.WORLD, policy.WORLD, 3, policy.UNPOLICED | policy.LOCAL)


def test_endpoints_have_the_tag_of_their_network() -> None:
    places = (policy.Place(3, "10.0.0.1/32", SOMEONE), policy.Place(3, "10.0.0.0/8", WORLD))
    untagged = policy.Place(4, "10.0.0.1/32", policy.Endpoint(258, 258, 4, policy.PEER))
    nobody = policy.Place(7, "10.0.0.2/32", policy.Endpoint(0, 0, 0, 0))
    found = layout.pack(
        policy.PolicyMaps(
            destinations=(*places, untagged), sources=(places[0], nobody), tags=(policy.NetworkTag(3, 0xFE),)
        )
    )
    assert [layout.ENDPOINT.unpack(value)[3] for value in found.destinations.values()] == [0xFE000001, 1]
    assert [layout.ENDPOINT.unpack(value)[3] for value in found.sources.values()] == [0xFE000001, 0]
    world = layout.PREFIX.pack(32 + 96 + 8, 3, layout.address("10.0.0.0"))
    assert layout.ENDPOINT.unpack(found.destination_prefixes[world])[3] == 0xFE000000 | policy.UNPOLICED | policy.LOCAL


def test_networks_with_a_tag_know_the_world() -> None:
    """What they know themselves of it counts more."""
    tags = (policy.NetworkTag(3, 1), policy.NetworkTag(4, 2))
    found = layout.pack(policy.PolicyMaps(destinations=(policy.Place(4, "::/0", SOMEONE),), tags=tags))
    assert {key: layout.ENDPOINT.unpack(value) for key, value in found.destination_prefixes.items()} == {
        layout.PREFIX.pack(32, 3, bytes(16)): (policy.WORLD, policy.WORLD, 3, 0x01000000 | policy.UNPOLICED),
        layout.PREFIX.pack(32, 4, bytes(16)): (*SOMEONE[:3], 0x01000000 | policy.PEER),
    }


def test_peers_are_known_by_their_identity_to_those_who_reach_them() -> None:
    other = policy.Endpoint(258, 259, 4, policy.PEER)
    found = layout.pack(
        policy.PolicyMaps(
            destinations=(
                policy.Place(policy.EVERY_NETWORK, "10.0.0.1/32", SOMEONE),
                policy.Place(3, "10.0.0.1/32", SOMEONE),
                policy.Place(3, "fd00::1/128", SOMEONE),
                policy.Place(4, "10.0.0.1/32", SOMEONE),
                policy.Place(4, "10.0.0.0/8", WORLD),
            ),
            sources=(policy.Place(77, "10.0.0.2/32", other), policy.Place(77, "10.0.0.3/32", WORLD)),
            tags=(policy.NetworkTag(4, 9),),
        )
    ).identities
    assert {layout.IDENTITY_KEY.unpack(key): layout.ENDPOINT.unpack(value) for key, value in found.items()} == {
        (policy.EVERY_NETWORK, 256): SOMEONE,
        (3, 256): SOMEONE,
        (4, 256): SOMEONE,
        (policy.EVERY_NETWORK, 258): (258, 259, 4, 0x09000000 | policy.PEER),
    }


@pytest.mark.parametrize("single", ["10.20.0.2", "0.0.0.0", "fd00::2", "::", "::1"])  # noqa: S104  # no socket
def test_an_address_is_read_as_it_was_written(single: str) -> None:
    assert layout.text(layout.address(single)) == single
