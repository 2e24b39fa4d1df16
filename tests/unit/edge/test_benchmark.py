# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's half of a benchmark: what was asked becomes turns, and a run becomes a folder."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.asked import (
    Asked,
    faults_of,
    longest_gap,
    turns_of,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.benchmark.files import plans_of, read_run, write_run
from ansible_collections.weft.overlay.plugins.module_utils.edge.controller import Members, Mode, compile_project
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project, write_plans
from ansible_collections.weft.overlay.plugins.module_utils.measure.result import to_json
from ansible_collections.weft.overlay.plugins.module_utils.measure.schedule import Path as Way
from ansible_collections.weft.overlay.plugins.module_utils.measure.schedule import select
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import MeasureError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS
from tests.unit.compile.test_cases import facts_of
from tests.unit.measure.test_schedule import NAS1, ROUTER1, client, plans, server
from tests.unit.measure.worlds import result

ASKED = Asked("bench1", (), None, 3, 10, 100, 0.02, 5201, 1)
PLANS = plans(NAS1, ROUTER1, server("nas2", NAS, "wg3"), client("wg1", "wg2", "wg3"))


def test_everything_that_is_wrong_with_what_was_asked_is_told_at_once() -> None:
    asked = ASKED._replace(client="bench9", rounds=0, port=70000, interval=0.0001)
    assert [str(fault) for fault in faults_of(asked, {"bench1"})] == [
        "client: bench9: is not in the inventory; say -e client=<host of a managed peer>",
        "rounds: 0: is not between 1 and 1000",
        "interval: 0.0001: is not between 0.002 and 10",
        "port: 70000: is not between 1 and 65535",
    ]
    assert faults_of(ASKED, {"bench1"}) == []


def test_every_interface_has_a_turn_in_every_round() -> None:
    found = turns_of(ASKED, PLANS)
    assert sorted((turn["round"], turn["interface"]) for turn in found["turns"]) == [
        (number, name) for number in (1, 2, 3) for name in ("wg1", "wg2", "wg3")
    ]
    assert [name for name, _reason in found["left_out"]] == ["wg10"]
    assert found["settings"]["baseline"] == "wg1"


def test_hosts_listen_where_the_load_goes_and_know_the_peer_at_the_other_end() -> None:
    found = turns_of(ASKED, PLANS)
    assert found["servers"] == [
        {"host": "nas1", "listeners": [{"link": "wg1", "address": "10.1.0.1"}, {"link": "wg2", "address": "10.2.0.1"}]},
        {"host": "nas2", "listeners": [{"link": "wg3", "address": "10.3.0.1"}]},
    ]
    assert found["hosts"][1] == {"host": "nas1", "peers": {"wg1": "client key wg1", "wg2": "client key wg2"}}
    assert set(found["plans"]) == {"bench1", "nas1", "nas2"}


def test_what_travels_to_hosts_is_json_and_knows_nothing_of_a_router() -> None:
    text = json.dumps(turns_of(ASKED, PLANS))
    assert "wg0" not in text
    assert "router1" not in text


def test_a_baseline_that_is_not_measured_is_refused() -> None:
    with pytest.raises(MeasureError, match="baseline: wg10: is not measured; wg1, wg2, wg3 are"):
        turns_of(ASKED._replace(baseline="wg10"), PLANS)
    assert turns_of(ASKED._replace(baseline="wg2"), PLANS)["settings"]["baseline"] == "wg2"


@pytest.mark.parametrize(
    ("servers", "gap"), [(["a", "a"], 0), (["a", "b", "a"], 1), (["b", "b", "a"], 2), (["a", "b", "b", "b"], 3)]
)
def test_a_server_waits_as_long_as_the_others_take(servers: list[str], gap: int) -> None:
    assert longest_gap(servers) == gap


def test_a_servers_end_is_not_given_up_while_others_are_measured() -> None:
    many = server("nas1", NAS, *(f"wg{number}" for number in range(1, 15)))
    found = turns_of(ASKED, plans(many, server("nas2", NAS, "wg15"), client(*(f"wg{n}" for n in range(1, 16)))))
    longest = longest_gap([turn["target"]["server"] for turn in found["turns"]])
    # a turn takes more than its three loads of ten seconds
    assert found["idle"] > longest * 30


def test_without_plans_there_is_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="there are no plans; run site"):
        plans_of(str(tmp_path))
    write_plans(str(tmp_path), PLANS)
    assert plans_of(str(tmp_path)) == PLANS


def test_a_run_can_be_read_from_its_folder(tmp_path: Path) -> None:
    run = result([100.0], [200.0])
    folder = str(tmp_path / "new" / "run")
    write_run(folder, {"result.json": to_json(run).encode(), "table.txt": b"table"})
    assert read_run(folder) == run
    assert (tmp_path / "new" / "run" / "table.txt").read_bytes() == b"table"


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match=r"result\.json: cannot be read"):
        read_run(str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(MeasureError, match="cannot be written"):
        write_run(str(tmp_path / "file" / "below"), {})


# As docs/wireguard.md says it: all interfaces lead to one LAN, and a host has only one way there.
DOMAIN = """\
version: 1
servers:
  router1: {role: router, management: {ipv4: 192.168.20.1}}
  nas1: {role: nas, management: {ipv4: 192.168.20.3}}
interfaces:
  wg0:
    server: router1
    endpoint: {host: 203.0.113.1, port: 51820}
    subnets: {ipv4: 192.168.210.0/24}
    lan: [192.168.20.0/24]
  wg1:
    server: nas1
    endpoint: {host: 203.0.113.3, port: 51831}
    subnets: {ipv4: 192.168.211.0/24, ipv6: "fd5e:211::/64"}
    lan: [192.168.20.0/24]
    masquerade: everything
  wg2:
    server: nas1
    endpoint: {host: 203.0.113.3, port: 51832}
    subnets: {ipv4: 192.168.212.0/24}
    lan: [192.168.20.0/24]
    masquerade: everything
profiles:
  bench: {lan: true, exclude: [192.168.20.0/24]}
bindings: {wg0: [bench], wg1: [bench], wg2: [bench]}
clients:
  bench-wg0: {interface: wg0, profile: bench, host: bench1, preshared: false}
  bench-wg1: {interface: wg1, profile: bench, host: bench1, preshared: false}
  bench-wg2: {interface: wg2, profile: bench, host: bench1, preshared: false}
"""


def test_a_client_of_every_interface_is_compiled_and_then_found(tmp_path: Path) -> None:
    (tmp_path / "domain.yaml").write_text(DOMAIN)
    numbers = iter(range(1, 9))
    facts = {
        host: facts_of(
            {
                "uplinks": [{"address": address, "link": "eth0", "mtu": 1500}],
                "routes": [{"destination": "0.0.0.0/0", "link": "eth0"}],
                "reached_at": address.split("/")[0],
                "keys": {"links": [[link, base64.b64encode(bytes([next(numbers)] * 32)).decode()] for link in links]},
            }
        )
        for host, address, links in (
            ("router1", "192.168.20.1/24", ["wg0"]),
            ("nas1", "192.168.20.3/24", ["wg1", "wg2"]),
            ("bench1", "198.51.100.7/24", ["wg0", "wg1", "wg2"]),
        )
    }
    members = Members({}, {}, others=Others(["router1"], ["nas1"], ["bench1"]))
    project = Project(*(str(tmp_path / name) for name in ("domain.yaml", "ledger.json", "build")))
    compile_project(project, members, facts, Mode(resolve=False))
    found = select(plans_of(project.build), "bench1")
    assert [(target.interface, target.link, target.ipv4) for target in found.targets] == [
        ("wg1", "wg1", Way("192.168.211.1", "192.168.211.2")),
        ("wg2", "wg2", Way("192.168.212.1", "192.168.212.2")),
    ]
    with pytest.raises(MeasureError, match="wg0: belongs to router1, which has role router"):
        select(plans_of(project.build), "bench1", ["wg0"])
