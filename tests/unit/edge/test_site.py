# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How a domain stands, from what its hosts said: who is well, who is not, and why."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.site.data import site_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.gathered import Told, addresses
from ansible_collections.weft.overlay.plugins.module_utils.edge.site.text import lines
from ansible_collections.weft.overlay.plugins.module_utils.edge.topology import topology
from ansible_collections.weft.overlay.plugins.module_utils.model.probe import Probe
from ansible_collections.weft.overlay.plugins.module_utils.model.site import DOWN, GOOD, IDLE, POOR, UNKNOWN
from tests.unit.edge.sites import plans_of, site


def edges(found):
    return {(report.edge.near.node, report.edge.far.node): report for report in found.edges}


def answers_of(told, host, way=None):
    return [one for one in told[host].probed["answers"] if way in {None, one["way"]}]


def test_plans_say_who_is_connected_to_whom_and_by_what():
    found = topology(plans_of(2, 3), {})
    ends = [(edge.kind, edge.near.node, edge.near.link, edge.far.node, edge.far.link) for edge in found.edges]
    assert ends == [
        ("vxlan", "hub1", "vxkr1", "runner1", "vxlan0"),
        ("vxlan", "hub1", "vxkr2", "runner2", "vxlan0"),
        ("wireguard", "router1", "wg0", "peer1", "wg0"),
        ("wireguard", "nas1", "wg1", "runner1", "wg0"),
        ("wireguard", "nas1", "wg1", "nas1/wg1/client3", ""),
        ("wireguard", "router1", "wg0", "router1/wg0/client1", ""),
        ("wireguard", "router1", "wg0", "router1/wg0/client2", ""),
    ]
    pair = found.edges[2]
    assert (pair.near.peer, pair.far.peer) == ("far-machine", "router1")
    assert [(node.label, node.role) for node in found.nodes][-1] == ("client2", "client")


def test_hosts_ask_through_their_tunnels_over_the_underlay_and_past_the_hub():
    probes = topology(plans_of(2, 1), {"hub1": "198.18.0.1", "runner1": "198.18.0.2"}).probes
    assert probes["hub1"] == (
        Probe("vxlan vxkr1", "runner1", "10.1.0.1"),
        Probe("vxlan vxkr2", "runner2", "10.2.0.1"),
        Probe("underlay", "runner1", "198.18.0.2"),
    )
    assert probes["runner1"] == (
        Probe("vxlan vxlan0", "hub1", "10.1.0.254"),
        Probe("wireguard wg0", "nas1", "10.8.1.1"),
        Probe("underlay", "hub1", "198.18.0.1"),
        Probe("overlay", "runner2", "10.2.0.1"),
    )
    assert probes["peer1"][0] == Probe("wireguard wg0", "router1", "10.8.0.1")


def test_a_domain_as_intended_says_so():
    found = site()
    assert found.healthy
    assert {host.health for host in found.hosts} == {GOOD}
    assert {report.health for report in found.edges} == {GOOD, IDLE}
    assert lines(found)[-1] == "all as intended"


def test_what_differs_is_told_with_its_host_and_with_what_it_differs_from():
    def spoil(told):
        stored = {"kind": "link", "name": "vxkr1", "state": "differs", "detail": "mtu 1400, planned 1450"}
        intended = {"kind": "link", "name": "vxkr9", "state": "missing", "detail": ""}
        told["hub1"].status["status"]["differences"] = [stored]
        told["hub1"].status["intent"]["differences"] = [stored, intended]

    found = site(spoil=spoil)
    told = lines(found)
    assert told[1].split()[:6] == ["hub1", "hub", "1", "difference", "2", "differences"]
    assert "hub1: link vxkr1: differs (mtu 1400, planned 1450)" in told
    assert "hub1: intent: link vxkr9: missing" in told
    assert "poor: hub1 – runner1 (vxlan): hub1: link vxkr1: differs (mtu 1400, planned 1450)" in told
    assert told[-1] == "site.yml mends what differs"
    assert not found.healthy


def test_a_host_that_is_not_reached_is_told_and_everybody_else_as_always():
    def spoil(told):
        told["runner2"] = Told(asked=True, status={"unreachable": True, "msg": "Connection timed out"})
        for host in told:
            if host != "runner2":
                for one in answers_of(told, host):
                    if one["to"] == "runner2":
                        one.update(answered=False, mtu=0)

    found = site(spoil=spoil)
    health = {host.name: host.health for host in found.hosts}
    assert (health["runner2"], health["runner1"]) == (DOWN, GOOD)
    assert edges(found)["hub1", "runner2"].health == DOWN
    assert edges(found)["hub1", "runner1"].health == GOOD
    told = lines(found)
    assert any(line.split()[:4] == ["runner2", "runner", "not", "reached"] for line in told)
    assert "no answer, underlay: runner2 (198.18.0.6) to hub1, nas1, peer1, router1, runner1" in told
    assert "no answer, overlay: runner2 (10.2.0.1) to runner1" in told


def test_a_host_beyond_the_limit_is_not_asked_and_no_fault():
    def spoil(told):
        del told["runner2"]
        for host in told:
            told[host].probed["answers"] = [one for one in answers_of(told, host) if one["to"] != "runner2"]

    found = site(spoil=spoil)
    assert {host.name: host.health for host in found.hosts}["runner2"] == UNKNOWN
    report = edges(found)["hub1", "runner2"]
    assert (report.health, report.words) == (UNKNOWN, ("runner2 was not asked",))
    assert found.healthy
    assert lines(found)[-1] == "as intended, as far as hosts were asked"


def test_a_path_that_is_narrower_than_planned_is_poor():
    def spoil(told):
        for one in answers_of(told, "hub1", "vxlan vxkr1"):
            one["mtu"] = 1400

    report = edges(site(spoil=spoil))["hub1", "runner1"]
    assert report.health == POOR
    assert report.words == ("hub1 gets packets of 1400 octets through to runner1, planned 1450",)
    assert "hub1 to 10.1.0.1: 0.5 ms, path MTU 1400" in report.facts
    assert "underlay 198.18.0.5: 0.5 ms, path MTU 1500" in report.facts
    assert "hub1: received 10 B, sent 20 B, lost 0" in report.facts


def test_a_tunnel_without_any_answer_is_down_and_with_some_is_poor():
    def spoil(told):
        for host, way in (("hub1", "vxlan vxkr1"), ("runner1", "vxlan vxlan0"), ("hub1", "vxlan vxkr2")):
            for one in answers_of(told, host, way):
                one.update(answered=False, mtu=0, words="Network is unreachable" if host == "runner1" else "")

    found = edges(site(spoil=spoil))
    assert found["hub1", "runner1"].health == DOWN
    assert found["hub1", "runner1"].words == (
        "hub1 gets no answer from 10.1.0.1",
        "runner1 gets no answer from 10.1.0.254 (Network is unreachable)",
    )
    assert found["hub1", "runner2"].health == POOR


def test_without_probes_a_handshake_says_that_a_pair_is_whole():
    def spoil(told):
        for host in told:
            told[host] = told[host]._replace(probed=None)

    found = edges(site(spoil=spoil))
    assert found["router1", "peer1"].health == GOOD
    assert found["hub1", "runner1"].health == UNKNOWN


@pytest.mark.parametrize(
    ("peer", "health"),
    [
        ({}, GOOD),
        ({"state": "stale"}, IDLE),
        ({"state": "never", "handshake": 0}, IDLE),
        ({"state": "absent"}, DOWN),
        ({"name": "somebody"}, DOWN),
    ],
)
def test_a_client_is_there_away_or_forgotten(peer, health):
    def spoil(told):
        told["nas1"].status["status"]["peers"][1].update({"state": "fresh", **peer})

    assert edges(site(spoil=spoil))["nas1", "nas1/wg1/client3"].health == health


def test_the_ledger_is_compared_with_what_lives():
    def spoil(told):
        told["hub1"].status["status"]["tunnels"][1]["vni"] = 107

    found = site(spoil=spoil)
    assert [(one.what, one.name, one.remembered, one.seen) for one in found.numbers if not one.same] == [
        ("runner id, as hub1 has it", "runner2", "2", "7")
    ]
    assert "ledger: runner id, as hub1 has it of runner2: remembered 2, seen 7" in lines(found)
    assert not found.healthy


@pytest.mark.parametrize(
    "status",
    [
        None,
        "text",
        {"status": None},
        {"status": {"version": 7}},
        {"status": []},
        {"failed": True, "msg": "MODULE FAILURE"},
    ],
)
def test_a_host_that_says_nonsense_is_told_and_stops_nobody(status):
    def spoil(told):
        told["runner1"] = Told(asked=True, status=status, probed={"answers": [{"way": 1}, "x"]})

    found = site(spoil=spoil)
    host = {one.name: one for one in found.hosts}["runner1"]
    assert (host.health, host.status) == (DOWN, None)
    assert host.failure
    assert not found.healthy


def test_an_address_is_what_the_host_says_or_else_the_inventory():
    told = {
        "a": ({"status": {"address": "192.0.2.1"}}, "198.51.100.1"),
        "b": ({"unreachable": True}, "198.51.100.2"),
        "c": (None, "c.example"),
        "d": (None, "127.0.0.1"),
        "e": ({"status": {"address": ""}}, "2001:db8::5"),
    }
    assert addresses(told) == {"a": "192.0.2.1", "b": "198.51.100.2", "e": "2001:db8::5"}


def test_the_file_for_machines_has_all_of_it():
    data = json.loads(json.dumps(site_data(site())))
    assert (data["version"], data["healthy"]) == (1, True)
    assert set(data["hosts"]) == {"hub1", "nas1", "peer1", "router1", "runner1", "runner2"}
    assert data["hosts"]["hub1"]["status"]["version"] == 1
    assert {one["health"] for one in data["connections"]} == {"good", "idle"}
    assert {"from", "to", "way", "address", "answered", "milliseconds", "mtu", "words"} == set(data["probes"][0])
    assert data["ledger"][0]["same"] is True
