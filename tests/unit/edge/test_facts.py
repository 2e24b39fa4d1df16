# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host says of itself, on its way to the controller."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.edge.facts import facts_of, from_data, to_data
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import Refusal
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import ForeignRule
from ansible_collections.weft.overlay.plugins.module_utils.model.state import (
    Capabilities,
    Foreign,
    Observed,
    Uplink,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import PLAN_PATH, File
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import Author
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import UNMADE, Device, Keys, Peer
from tests.unit.diff.worlds import OVERLAYS, PROGRAMS

KEYS = [b64encode(bytes([number] * 32)).decode() for number in (1, 2, 3)]
NETWORK = DockerNetwork("net", "10.1.0.0/16", "10.1.0.1", "br0", 1450, False, ("10.1.0.254",))
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"
FULL = Facts(
    Capabilities(False, "firewalld", True, ("nft",), unable=("kernel 5.4 has no ring buffers",)),
    Foreign(
        links=(ForeignLink("eth0", "device"), ForeignLink("vx", "vxlan", 1, 4789)),
        routes=(ForeignRoute("0.0.0.0/0", "eth0"), ForeignRoute("203.0.113.0/24", None)),
        uplinks=(Uplink("192.0.2.1/24", "eth0", 1500),),
        networks=(SeenNetwork(NETWORK, True, ("10.1.0.0/16",), ("db", "web")),),
        pools=("172.17.0.0/16",),
        clients=("192.0.2.99",),
        refusals=(Refusal("iptables rule -A FORWARD -s 10.0.0.0/8 -j DROP", "10.0.0.0/8", None),),
        zones=("trusted",),
        faults=(("file x", "is not ours"),),
        ports=(51820,),
        tables=(ForeignRoute("203.0.113.0/24", None, 119001),),
        rules=(ForeignRule(4, 59, 0xCA6C, 0xFFFFFFFF, True, False, "lookup", 51820),),
        hooks=(("vxkr1", "is somebody else's"),),
    ),
    (Link("vxkr1", "vxlan", "weft:runner1", "02:77:00:00:00:65", 1450, None, 101, 4789, "192.0.2.250", "192.0.2.1"),),
    "192.0.2.1",
    (Device("wg0", KEYS[0], 51820), Device("wg1", "")),
    Keys(
        links=(("wg0", KEYS[0]),),
        following=(("wg0", KEYS[1]),),
        clients=(("phone", KEYS[2]),),
        preshared=(("wg0", KEYS[2], "0123456789abcdef"),),
        certificate="-----BEGIN CERTIFICATE-----\n",
        audit=CERTIFICATE,
    ),
    (Peer("wg0", KEYS[2], "phone", ("192.0.2.2/32",), successor=KEYS[1]), Peer("wg0", UNMADE, "laptop")),
    (KEYS[2],),
    1800000000,
    Author("anna@ops", "abc", 12, "plans"),
    2222,
)
PLAN = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", tuple(Spoke(f"r{n}", n, f"192.0.2.{n}", 1450) for n in (1, 2)))
CAPABLE = Capabilities(True, "none")


def test_every_field_survives_the_way_as_json():
    for value in (FULL, FULL.foreign, FULL.keys):
        assert all(getattr(value, name) for name in value._fields), "a field is not put to the test"
    assert from_data(json.loads(json.dumps(to_data(FULL)))) == FULL


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "facts",
        {},
        {**to_data(FULL), "tunnels": [1]},
        {**to_data(FULL), "tunnels": None},
        {**to_data(FULL), "tunnels": [{"name": "vxkr1"}]},
        {**to_data(FULL), "capabilities": {"root": True}},
        {**to_data(FULL), "capabilities": "all"},
        {**to_data(FULL), "foreign": {}},
        {**to_data(FULL), "foreign": {**to_data(FULL)["foreign"], "faults": ["x"]}},
        {**to_data(FULL), "foreign": {**to_data(FULL)["foreign"], "networks": [{}]}},
        {**to_data(FULL), "now": "noon"},
        {**to_data(FULL), "shaken": ["short"]},
        {**to_data(FULL), "shaken": [KEYS[0] + "\nPostUp = id"]},
        {**to_data(FULL), "devices": [{"link": "wg0", "public_key": "none"}]},
        {**to_data(FULL), "peers": [{"link": "wg0", "public_key": "none"}]},
        {**to_data(FULL), "peers": [{"link": "wg0", "public_key": KEYS[0], "successor": ""}]},
        {**to_data(FULL), "peers": [{"link": "wg0", "public_key": KEYS[0], "allowed_ips": ["here"]}]},
        {**to_data(FULL), "peers": [{"link": "wg0", "public_key": KEYS[0], "allowed_ips": ["10.0.0.1/8"]}]},
        {**to_data(FULL), "keys": {}},
        {**to_data(FULL), "keys": {**Keys()._asdict(), "links": [["wg0", KEYS[0][:-2] + "x="]]}},
        {**to_data(FULL), "keys": {**Keys()._asdict(), "clients": [["phone"]]}},
        {**to_data(FULL), "keys": {**Keys()._asdict(), "audit": "PEM"}},
        {**to_data(FULL), "keys": {**Keys()._asdict(), "audit": CERTIFICATE * 2}},
        {**to_data(FULL), "keys": {**Keys()._asdict(), "audit": None}},
    ],
)
def test_another_shape_is_refused(data):
    with pytest.raises(PlanError, match=r"^what the host said of itself cannot be read"):
        from_data(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(("capabilities", "tunnels", "reached_at", *Facts._fields[4:])), JSON),
    st.dictionaries(st.sampled_from(Foreign._fields), JSON),
)
def test_whatever_a_host_says_is_read_or_refused(top, foreign):
    data = to_data(FULL)
    with contextlib.suppress(PlanError):
        from_data({**data, "foreign": {**data["foreign"], **foreign}, **top})


def observed(state):
    return Observed(CAPABLE, state, Foreign())


def test_tunnels_are_those_that_live_and_then_those_of_the_stored_plan():
    state = desired(PLAN, CAPABLE, PROGRAMS[0]).state
    living = {name: link for name, link in state[kinds.LINK].items() if name != "vxkr1"}
    living["vxkr2"] = living["vxkr2"]._replace(remote="192.0.2.77")
    found = facts_of(observed({**state, kinds.LINK: living})).tunnels
    assert [(link.name, link.remote) for link in found] == [("vxkr2", "192.0.2.77"), ("vxkr1", "192.0.2.1")]


def test_peers_have_the_names_of_the_stored_plan_and_others_have_none():
    plan = HostPlan(
        "router1", ROUTER, peers=(Peer("wg0", KEYS[0], "phone", successor=KEYS[1]), Peer("wg0", UNMADE, "new"))
    )
    living = (Peer("wg0", KEYS[0], handshake=5), Peer("wg0", KEYS[1]), Peer("wg0", KEYS[2], handshake=1))
    state = {
        kinds.FILE: {PLAN_PATH: File(PLAN_PATH, to_json(plan), 0o600)},
        kinds.PEER: {peer.key(): peer for peer in living},
    }
    found = facts_of(observed(state))
    assert found.peers == (*plan.peers, living[2])
    assert found.shaken == tuple(sorted((KEYS[0], KEYS[2])))


@pytest.mark.parametrize("text", ["", "{}", "damaged"])
def test_a_stored_plan_that_cannot_be_read_claims_nothing(text):
    found = facts_of(observed({kinds.FILE: {PLAN_PATH: File(PLAN_PATH, text, 0o600)}}))
    assert (found.tunnels, found.peers) == ((), ())


@pytest.mark.parametrize(
    ("session", "address"),
    [
        ("192.0.2.99 50000 192.0.2.1 22", "192.0.2.1"),
        ("", None),
        ("192.0.2.99", None),
        ("2001:db8::9 5 2001:db8::1 22", "2001:db8::1"),
    ],
)
def test_where_ansible_came_in_is_what_sshd_says(monkeypatch, session, address):
    monkeypatch.setenv("SSH_CONNECTION", session)
    assert facts_of(observed({})).reached_at == address


def test_without_ssh_nobody_knows(monkeypatch):
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert facts_of(observed({})).reached_at is None
