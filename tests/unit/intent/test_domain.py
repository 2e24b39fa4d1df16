# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whole domains: what is written is what is read, by the parser and by an editor's schema alike."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import get_type_hints

import jsonschema
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.address import overlap
from ansible_collections.weft.overlay.plugins.module_utils.intent.client import Client
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import DOMAIN, Intent, parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.overlay import Overlay
from ansible_collections.weft.overlay.plugins.module_utils.intent.policy_test import PolicyTest
from ansible_collections.weft.overlay.plugins.module_utils.intent.port import Port
from ansible_collections.weft.overlay.plugins.module_utils.intent.rule import Others, Rule
from ansible_collections.weft.overlay.plugins.module_utils.intent.schema import Record
from ansible_collections.weft.overlay.plugins.module_utils.intent.selector import Selector
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError

VALIDATOR = jsonschema.Draft7Validator(DOMAIN.schema())
WORD = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=9)


def plain(value):
    """A value as a user would write it."""
    if isinstance(value, Overlay):
        found = {key: plain(inner) for key, inner in value._asdict().items() if inner is not None}
        return {**found, "underlay": "wireguard"} if value.carrier else found
    if isinstance(value, Client):
        expires = value.expires and datetime.fromtimestamp(value.expires, timezone.utc).isoformat()
        found = {**value._asdict(), "expires": expires}
        return {key: plain(inner) for key, inner in found.items() if inner is not None}
    if isinstance(value, Intent):
        value = value._replace(notes=None)
    if hasattr(value, "_asdict"):
        return {key: plain(inner) for key, inner in value._asdict().items() if inner is not None}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value


def subset(draw, whole):
    return {key: value for key, value in whole.items() if draw(st.booleans())}


@st.composite
def overlays(draw):
    """Overlays that hold, as a user would write them, any of their fields left out where that changes nothing else."""
    length = draw(st.integers(8, 24))
    cidr = ipaddress.ip_network((draw(st.integers(0x0B000000, 0x64000000)) >> (32 - length) << (32 - length), length))
    words = draw(st.lists(WORD, min_size=6, max_size=6, unique=True))
    names = dict(
        zip(
            ("hub_link", "runner_tunnel", "bridge", "network", "isolated_network"),
            (f"w{word}" for word in words),
            strict=False,
        )
    )
    found = {
        "cidr": str(cidr),
        "runner_prefix": draw(st.integers(length + 1, min(29, length + 12))),
        **subset(
            draw,
            {
                "base_vni": draw(st.integers(0, 2**24 - 2**13)),
                "port": draw(st.integers(1, 65535)),
                "mtu": draw(st.integers(1280, 65485)),
                "zone": draw(st.text(st.sampled_from("abcXYZ019-_"), min_size=1, max_size=15).map("z{}".format)),
                "isolated_cidr": str(ipaddress.ip_network((0xC0A80000, draw(st.integers(16, 29))))),
            },
        ),
    }
    names["hub_tunnel"] = "q" + words[5]
    # "q" and "c" begin no other name here, and no well-known interface.
    carrier = {
        "link": "c" + words[5],
        "cidr": str(ipaddress.ip_network((0x0A000000, draw(st.integers(8, 15))))),
        "port": 1 + found.get("port", 1) % 65535,
    }
    return {
        **found,
        **draw(st.sampled_from([{}, {"names": names}, {"names": {}}])),
        **draw(st.sampled_from([{}, {"underlay": "wireguard", "carrier": carrier}])),
    }


@given(overlays())
def test_what_is_written_is_what_is_read(overlay):
    domain = {"version": 1, "overlay": overlay}
    written = yaml.safe_dump(domain)
    intent = parse(written, "domain.yaml")
    assert VALIDATOR.is_valid(domain)
    for key, value in overlay.items():
        if key not in ("names", "underlay", "carrier"):
            assert getattr(intent.overlay, key) == value
    assert (intent.overlay.carrier and intent.overlay.carrier._asdict()) == overlay.get("carrier")
    for key, value in overlay.get("names", {}).items():
        assert getattr(intent.overlay.names, key) == value
    assert parse(yaml.safe_dump(plain(intent)), "domain.yaml") == intent
    assert parse(yaml.safe_dump(plain(intent), default_flow_style=True, sort_keys=False), "domain.yaml") == intent
    assert VALIDATOR.is_valid(plain(intent))


@given(overlays(), st.text(st.sampled_from("abcdefz_"), min_size=1, max_size=8), st.booleans())
def test_parser_and_schema_both_refuse_unknown_keys(overlay, key, inner):
    place = overlay.setdefault("names", {}) if inner else overlay
    known = DOMAIN.fields["overlay"].kind.fields
    if key in (known["names"].kind.fields if inner else known):
        return
    place[key] = 1
    domain = {"version": 1, "overlay": overlay}
    assert not VALIDATOR.is_valid(domain)
    with pytest.raises(IntentError, match="unknown key"):
        parse(yaml.safe_dump(domain), "domain.yaml")


# No bare numbers and booleans: in a field for a text they are texts to us (`zone: no`), and none to JSON Schema.
JUNK = st.recursive(
    st.none() | st.sampled_from(["10.0.0.0/8", "a b", "", "trusted"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["cidr", "bridge", "x"]), inner),
    max_leaves=4,
)


@given(overlays(), st.sampled_from([*DOMAIN.fields["overlay"].kind.fields]), JUNK)
@example({}, "port", 65536)
@example({}, "port", True)
@example({}, "runner_prefix", 0)
@example({}, "base_vni", -1)
@example({}, "mtu", 1.5)
def test_what_the_schema_refuses_the_parser_refuses(overlay, key, junk):
    overlay[key] = junk
    domain = {"version": 1, "overlay": overlay}
    if not VALIDATOR.is_valid(domain):
        with pytest.raises(IntentError):
            parse(yaml.safe_dump(domain), "domain.yaml")


@pytest.mark.parametrize(
    ("overlay", "runners"),
    [
        ("{}", 255),
        ("{cidr: 10.128.0.0/12, runner_prefix: 18}", 63),
        ("{cidr: 198.18.64.0/20, runner_prefix: 26}", 63),
        ("{cidr: 198.18.64.0/28, runner_prefix: 29}", 1),
    ],
)
def test_so_many_runners_fit(overlay, runners):
    assert parse(f"version: 1\noverlay: {overlay}\n", "domain.yaml").overlay.runner_count() == runners


def records(kind):
    if isinstance(kind, Record):
        yield kind
        for field in kind.fields.values():
            yield from records(field.kind)
    for inner in ("value", "item"):
        yield from records(getattr(kind, inner, None)) if hasattr(kind, inner) else ()


# Fields of a value that no one writes by that name, and what is written and becomes no field of that name.
DERIVED = {
    Intent: {"notes"},
    Others: {"excluded"},
    PolicyTest: {"source", "destination"},
    Port: {"first", "last"},
    Rule: {"others"},
    Selector: {"labels", "expressions"},
}
TURNED = {
    Overlay: {"underlay"},
    Others: {"except"},
    PolicyTest: {"from", "to", "type"},
    Port: {"port", "end", "type"},
    Rule: {"from", "to"},
    Selector: {"matchLabels", "matchExpressions"},
}


def test_descriptions_and_values_have_the_same_fields():
    for record in records(DOMAIN):
        value = record.build if isinstance(record.build, type) else get_type_hints(record.build)["return"]
        written = [name for name in record.fields if name not in TURNED.get(value, ())]
        assert written == [name for name in value._fields if name not in DERIVED.get(value, ())]


def test_faults_are_in_the_order_of_the_file():
    with pytest.raises(IntentError) as caught:
        parse("b: 1\noverlay: {port: 0}\na: 1\nversion: 0\n", "x.yml")
    assert [fault.place for fault in caught.value.faults] == ["x.yml:1", "x.yml:2", "x.yml:3", "x.yml:4"]


def test_the_carriers_default_is_in_none_of_the_networks_that_docker_takes_by_itself():
    carrier = parse("version: 1\noverlay: {underlay: wireguard}\n", "domain.yaml").overlay.carrier
    # moby, daemon/libnetwork/ipamutils: the local scope's default pools.
    pools = [f"172.{number}.0.0/16" for number in range(17, 32)] + ["192.168.0.0/16"]
    assert [pool for pool in pools if overlap(carrier.cidr, pool)] == []
