# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One compilation after the other, in a folder; tests/unit/compile has what each plan says."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others
from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import KeysWanted
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.link import ForeignLink
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import UNMADE, Keys

HUB = {"hub": {"underlay_address": "192.0.2.250"}}
OFFLINE = Mode(offline=True)


def runners(*numbers, **more):
    return {**{f"runner{number}": {"underlay_address": f"192.0.2.{number}"} for number in numbers}, **more}


def facts(address, **foreign):
    uplinks = (Uplink(f"{address}/24", "eth0", 1500),)
    return Facts(Capabilities(True, "none", True), Foreign(uplinks=uplinks, **foreign))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "domain.yaml").write_text("version: 1\noverlay: {}\n", encoding="utf-8")
    return Project(*(str(tmp_path / name) for name in ("domain.yaml", "ledger.json", "build")))


def tree(tmp_path):
    return {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def kinds_of(result):
    """{host: (added, changed, removed)}"""
    actions = {host: [change.action for change in found] for host, found in result.changes.items()}
    return {host: tuple(map(found.count, ("add", "change", "remove"))) for host, found in actions.items()}


def test_the_second_run_writes_nothing_and_says_so(project, tmp_path):
    first = compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    before = tree(tmp_path)
    second = compile_project(project, Members(HUB, runners(2, 1)), {}, OFFLINE)
    assert sorted(before) == [
        "build/plans/hub.json",
        "build/plans/runner1.json",
        "build/plans/runner2.json",
        "domain.yaml",
        "ledger.json",
    ]
    assert tree(tmp_path) == before
    assert (first.ledger_written, second.ledger_written) == (True, False)
    assert first.compiled == second.compiled
    assert kinds_of(second) == {"hub": (0, 0, 0), "runner1": (0, 0, 0), "runner2": (0, 0, 0)}


def test_a_runner_that_arrives_changes_the_hub_and_itself(project):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    found = kinds_of(compile_project(project, Members(HUB, runners(1, 2, 3)), {}, OFFLINE))
    assert found["runner1"] == found["runner2"] == (0, 0, 0)
    assert found["hub"] == (3, 1, 0), "link, address and route; the rule set"
    assert found["runner3"][0] > 0


def test_a_runner_that_leaves_takes_its_plan_with_it(project, tmp_path):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    result = compile_project(project, Members(HUB, runners(2)), {}, OFFLINE)
    lines = [str(change) for change in result.changes["hub"]]
    assert "- link vxkr1" in lines
    assert result.changes["runner2"] == ()
    assert "build/plans/runner1.json" not in tree(tmp_path)


def test_a_runner_that_moves_has_its_tunnel_changed_in_place(project):
    compile_project(project, Members(HUB, runners(1, 2)), {}, OFFLINE)
    moved = Members(HUB, runners(1, runner2={"underlay_address": "198.51.100.2"}))
    result = compile_project(project, moved, {}, OFFLINE)
    lines = [str(change) for change in result.changes["hub"]]
    assert "~ link vxkr2 (remote 192.0.2.2 → 198.51.100.2)" in lines
    assert {line[0] for line in lines} == {"~"}
    assert [str(change) for change in result.changes["runner2"]] == ["~ link vxlan0 (local 192.0.2.2 → 198.51.100.2)"]
    assert result.changes["runner1"] == ()


def test_with_a_fault_nothing_is_written(project, tmp_path):
    compile_project(project, Members(HUB, runners(1)), {}, OFFLINE)
    before = tree(tmp_path)
    blocked = {"hub": facts("192.0.2.250", links=(ForeignLink("vxkr2", "dummy"),))}
    with pytest.raises(IntentError, match=r"^hub: link vxkr2: exists and was not made by weft"):
        compile_project(project, Members(HUB, runners(1, 2)), blocked, Mode())
    assert tree(tmp_path) == before


def test_a_dry_run_keeps_the_ledger_as_it_is(project, tmp_path):
    result = compile_project(project, Members(HUB, runners(1)), {}, Mode(offline=True, keep=False))
    assert result.ledger_written is False
    assert "ledger.json" not in tree(tmp_path)
    assert "build/plans/runner1.json" in tree(tmp_path)


def test_faults_of_every_source_are_told_together_and_once(project, tmp_path):
    (tmp_path / "ledger.json").write_text("damaged", encoding="utf-8")
    with pytest.raises(IntentError) as caught:
        compile_project(project, Members(HUB, {"runner1": {"underlay_address": "here"}}), {}, OFFLINE)
    places = [fault.place.rpartition("/")[2] for fault in caught.value.faults]
    assert places == ["ledger.json", "inventory"]


def test_what_each_docker_needs_is_told_for_hosts_that_were_seen(project):
    old = DockerNetwork("kohakuriver-overlay", "10.1.0.0/16", "10.1.0.1", "kohaku-overlay", 1400, False)
    said = {
        "hub": facts("192.0.2.250"),
        "runner1": facts("192.0.2.1", networks=(SeenNetwork(old, True, (old.subnet,), ()),)),
    }
    networks = compile_project(project, Members(HUB, runners(1, 2)), said, Mode()).networks
    assert networks["hub"] == {"remove": [], "create": [], "unanswered": False}
    assert set(networks) == {"hub", "runner1"}
    assert networks["runner1"]["remove"] == ["kohakuriver-overlay"]
    (made,) = networks["runner1"]["create"]
    assert made == {
        "name": "kohakuriver-overlay",
        "subnet": "10.1.0.0/16",
        "gateway": "10.1.0.1",
        "bridge": "kohaku-overlay",
        "mtu": 1450,
        "masquerade": False,
        "reserved": ["10.1.0.254"],
    }
    assert json.loads(json.dumps(networks)) == networks


DOMAIN = """\
version: 1
servers: {router1: {role: router, management: {ipv4: 192.0.2.1}}}
interfaces:
  wg0: {server: router1, endpoint: {host: %s, port: 51820}, subnets: {ipv4: 10.8.0.0/24}, lan: [192.168.1.0/24]}
profiles: {home: {lan: true}}
bindings: {wg0: [home]}
clients:
  phone: {interface: wg0, profile: home}
  laptop: {interface: wg0, profile: home, host: laptop1}
"""
MEMBERS = Members({}, {}, None, Others(routers=["router1"], peers=["laptop1"]))


@pytest.fixture
def domain(project, tmp_path):
    def write(endpoint="203.0.113.1"):
        (tmp_path / "domain.yaml").write_text(DOMAIN % endpoint, encoding="utf-8")
        return project

    return write


def keyed(number):
    return b64encode(bytes([number] * 32)).decode()


def asked(tools=()):
    said = {"router1": facts("192.0.2.1"), "laptop1": facts("198.51.100.2")}
    return {host: found._replace(capabilities=Capabilities(True, "none", tools=tools)) for host, found in said.items()}


def test_keys_and_commands_that_hosts_lack_are_told(domain):
    result = compile_project(domain(), MEMBERS, asked(), Mode())
    assert result.compiled.keys_wanted == {
        "laptop1": KeysWanted(links=("wg0",), certificate=True),
        "router1": KeysWanted(links=("wg0",), clients=("phone",)),
    }
    assert result.wanting == {
        "laptop1": ["wg", "wireguard-go", "openssl"],
        "router1": ["wg", "wireguard-go", "qrencode"],
    }


def test_what_is_installed_is_not_wanting(domain):
    said = {
        host: found._replace(capabilities=found.capabilities._replace(wireguard=True))
        for host, found in asked(("wg", "openssl")).items()
    }
    assert compile_project(domain(), MEMBERS, said, Mode()).wanting == {"router1": ["qrencode"]}


def test_a_plan_made_before_there_are_keys_counts_every_peer(domain):
    result = compile_project(domain(), MEMBERS, asked(), Mode())
    lines = [str(change) for change in result.changes["router1"]]
    assert sorted(line for line in lines if "peer" in line) == [
        f"+ wireguard peer wg0 laptop {UNMADE}",
        f"+ wireguard peer wg0 phone {UNMADE}",
    ]


def test_once_the_keys_are_there_nothing_is_wanted_and_the_second_run_says_the_same(domain, tmp_path):
    said = asked()
    keys = Keys(links=(("wg0", keyed(1)),), clients=(("phone", keyed(2)),), preshared=(("wg0", keyed(3), "aa"),))
    said["router1"] = said["router1"]._replace(keys=keys)
    keys = Keys(links=(("wg0", keyed(3)),), preshared=(("wg0", keyed(1), "aa"),), certificate="PEM")
    said["laptop1"] = said["laptop1"]._replace(keys=keys)
    first = compile_project(domain(), MEMBERS, said, Mode())
    before = tree(tmp_path)
    second = compile_project(domain(), MEMBERS, said, Mode())
    assert first.compiled.keys_wanted == {}
    assert tree(tmp_path) == before
    assert kinds_of(second) == {"laptop1": (0, 0, 0), "router1": (0, 0, 0)}
    assert all(peer.preshared for plan in first.compiled.plans.values() for peer in plan.peers)


# RFC 6761 reserves `invalid`: it never resolves, with a network or without one.
def test_an_endpoint_that_does_not_resolve_is_a_fault_with_its_path(domain, tmp_path):
    with pytest.raises(IntentError, match=r"^domain.yaml: interfaces.wg0.endpoint.host: vpn.invalid does not resolve"):
        compile_project(domain("vpn.invalid"), MEMBERS, asked(), Mode())
    assert sorted(tree(tmp_path)) == ["domain.yaml"]


@pytest.mark.parametrize("mode", [Mode(resolve=False), OFFLINE])
def test_names_are_not_looked_up_where_that_is_not_wanted_or_nobody_is_asked(domain, mode):
    plans = compile_project(domain("vpn.invalid"), MEMBERS, asked(), mode).compiled.plans
    assert [config.endpoint for config in plans["router1"].clients] == ["vpn.invalid:51820"]


@pytest.mark.parametrize("endpoint", ["localhost", "203.0.113.1", '"2001:db8::1"'])
def test_addresses_and_names_that_resolve_are_no_fault(domain, endpoint):
    assert compile_project(domain(endpoint), MEMBERS, asked(), Mode()).compiled.faults == ()


def test_what_the_intent_may_not_mean_is_noted(domain):
    notes = compile_project(domain(), MEMBERS, asked(), Mode()).compiled.notes
    assert any("interfaces.wg0.lan[0]: 192.168.1.0/24 is what many have at home" in note for note in notes)
