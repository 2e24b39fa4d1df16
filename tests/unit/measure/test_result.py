# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A run as a value and as a file, put together out of what the hosts returned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.measure.collect import collect
from ansible_collections.weft.overlay.plugins.module_utils.measure.metrics import METRICS, values
from ansible_collections.weft.overlay.plugins.module_utils.measure.result import Result, from_json, one_machine, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import MeasureError
from tests.unit.measure.worlds import SETTINGS, host, result, samples, usage

RUN = result([100.0, 110.0, 105.0], [200.0, 220.0, 210.0])
FIGURES = {metric.key: metric for metric in METRICS}


def figures(key: str, run: Result = RUN) -> dict[str, list[float]]:
    return values(run, FIGURES[key])


def test_a_run_survives_its_file() -> None:
    assert from_json(to_json(RUN), "result.json") == RUN
    assert to_json(from_json(to_json(RUN), "result.json")) == to_json(RUN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "result.json: is not JSON"),
        ("[]", "result.json: version: None; this release reads version 1"),
        ('{"version": 2}', "result.json: version: 2; this release reads version 1"),
        (json.dumps({"version": 1, **RUN._asdict(), "samples": {}}), "result.json: samples: is not what"),
        (json.dumps({"version": 1, **RUN._asdict(), "mood": 1}), "result.json: mood: is not what"),
    ],
)
def test_a_file_that_is_no_run_is_refused(text: str, message: str) -> None:
    with pytest.raises(MeasureError) as caught:
        from_json(text, "result.json")
    assert str(caught.value).startswith(message)


def test_figures_come_out_in_the_order_of_the_rounds_whatever_the_order_of_turns() -> None:
    assert figures("tcp-1") == {"wg1": [100.0, 110.0, 105.0], "wg2": [200.0, 220.0, 210.0]}
    shuffled = RUN._replace(samples=RUN.samples[::-1])
    assert figures("tcp-1", shuffled) == figures("tcp-1")


def test_each_metric_is_what_its_title_says() -> None:
    one = result([100.0], [200.0])
    first = {key: figures(key, one)["wg1"] for key in FIGURES}
    # 100 Mbit/s for 10 s are 0.125 GB
    assert first["cost-client"] == [20.0 / 0.125]
    assert first["cost-server"] == [30.0 / 0.125]
    assert first["busy-client"] == [2.0]
    assert first["tcp-8"] == [200.0]
    assert first["udp-64"] == [75.0]
    assert first["udp-64-lost"] == [25.0]
    assert first["idle-ipv4"] == [2.0]
    assert first["idle-ipv6"] == [3.0]
    assert first["loaded-8"] == [8.0]
    assert first["go-client"] == first["memory-server"] == []
    second = {key: figures(key, one)["wg2"] for key in FIGURES}
    assert second["go-server"] == [8.0 / 0.25]
    assert second["memory-client"] == [16.0]


def test_a_latency_that_nobody_answered_is_no_figure() -> None:
    silent = [{**one, "figures": {**one["figures"], "rtt_ms": [None]}} for one in RUN.samples]
    assert figures("idle-ipv4", RUN._replace(samples=silent)) == {"wg1": [], "wg2": []}


def test_two_ends_on_one_kernel_are_noticed() -> None:
    assert not one_machine(RUN)
    assert one_machine(RUN._replace(environment={"bench1": host("a", "kernel"), "nas1": host("a", "kernel")}))


TARGET = {"server": "nas1", "link": "bench-wg1", "ipv4": None, "ipv6": None, "interface": "wg1", "server_key": "k"}
SCHEDULE = {
    "started": "2026-11-21T12:41:50+00:00",
    "settings": SETTINGS,
    "targets": {"wg1": TARGET},
    "rounds": [["wg1"], ["wg1"]],
    "left_out": [],
    "plans": {"nas1": "0" * 64},
}
CHECKED = {"interfaces": {"wg1": {"mtu": 1420, "handshake": 3}}}


def turn(number: int, **returned: Any) -> dict[str, Any]:
    return {"item": {"round": number, "interface": "wg1", "target": TARGET}, **returned}


def raw(number: int) -> list[dict[str, Any]]:
    """As the client returns them: without what only the server or the controller knows."""
    unknown = ("round", "interface", "server")
    return [{key: value for key, value in one.items() if key not in unknown} for one in samples("wg1", number, 100.0)]


def ended(*cookies: str) -> list[dict[str, Any]]:
    return [{"cookie": cookie, "link": "wg1", "usage": usage(10.0, 5.0)} for cookie in cookies]


def collected(measured: list[dict[str, Any]], served: dict[str, Any]) -> Result:
    looked = [{"item": {"host": "nas1"}, "environment": host("b", "kernel")}]
    return collect(SCHEDULE, CHECKED, looked, measured, [{"item": {"host": "nas1"}, **served}])


def test_what_it_cost_the_server_is_found_by_iperfs_cookie() -> None:
    # A test that is nobody's is the one that checked the port.
    served = ended("somebody-else", "wg1-1-8", "wg1-1-1", "wg1-1-u")
    found = collected([turn(1, samples=raw(1))], {"tests": served})
    assert found.faults == []
    assert [bool(one["server"]) for one in found.samples] == ["cookie" in one["figures"] for one in found.samples]
    assert {(one["round"], one["interface"]) for one in found.samples} == {(1, "wg1")}
    assert found.interfaces["wg1"] == {
        **{key: TARGET[key] for key in ("server", "link", "ipv4", "ipv6")},
        "mtu": 1420,
        "handshake": 3,
    }


def test_a_turn_that_failed_takes_nothing_from_the_others() -> None:
    served = ended("wg1-2-1", "wg1-2-8", "wg1-2-u")
    found = collected(
        [turn(1, failed=True, msg="wg1: tcp-8: iperf3: broke"), turn(2, samples=raw(2))], {"tests": served}
    )
    assert found.faults == ["round 1, wg1: wg1: tcp-8: iperf3: broke"]
    assert {one["round"] for one in found.samples} == {2}


def test_a_servers_end_that_was_gone_is_told() -> None:
    found = collected([turn(1, samples=raw(1))], {"tests": None})
    assert found.faults[0] == "nas1: the server's end of the benchmark was gone before the end"
    assert found.faults[1] == "round 1, wg1, tcp-1: the server did not tell what it cost"
    gone = collected([turn(1, unreachable=True, msg="no route")], {"unreachable": True, "msg": "no route"})
    assert gone.faults == ["round 1, wg1: no route", "nas1: no route"]
