# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of a run, and two runs beside each other."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.measure import compare, table
from ansible_collections.weft.overlay.plugins.module_utils.measure.environment import differences
from tests.unit.measure.worlds import host, result

CLEAR = result([100.0, 110.0, 105.0], [200.0, 220.0, 210.0])
CLOSE = result([100.0, 110.0, 105.0], [104.0, 99.0, 106.0])


def block(text: str, heading: str) -> list[str]:
    return next(part for part in text.split("\n\n") if part.startswith(heading)).splitlines()[1:]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.0000"),
        (0.1234, "0.1234"),
        (1.23456, "1.235"),
        (12.3456, "12.35"),
        (123.456, "123.5"),
        (12345.6, "12 346"),
    ],
)
def test_numbers_have_four_digits(value: float, shown: str) -> None:
    assert table.number(value).replace("\u202f", " ") == shown


def test_a_table_has_medians_ranges_and_ratios() -> None:
    assert [line.split() for line in block(table.text(CLEAR), "TCP, one flow (Mbit/s, more is better)")] == [
        ["interface", "median", "lowest–highest", "ratio"],
        ["wg1", "105.0", "100.0–110.0", "1"],
        ["wg2", "210.0", "200.0–220.0", "2.00"],
    ]


def test_what_the_rounds_do_not_tell_apart_says_so() -> None:
    assert block(table.text(CLOSE), "TCP, one flow")[-1].endswith("0.99, not distinguishable")


def test_what_the_kernel_does_itself_has_no_process() -> None:
    assert block(table.text(CLEAR), "Memory of wireguard-go on the client")[1].split() == ["wg1", "–", "–", "–"]


def test_latencies_of_all_rounds_stand_together_with_what_was_not_answered() -> None:
    first = block(table.text(CLEAR), "Latency of all rounds together")[1]
    assert first.split() == ["wg1", "without", "load,", "IPv4", "1.000", "2.000", "3.000", "3.000", "3", "of", "12"]


def test_notes_tell_what_is_missing_and_what_misleads() -> None:
    shared = CLEAR._replace(environment={"a": host("x", "kernel"), "b": host("x", "kernel")}, faults=["round 1: broke"])
    said = table.text(shared)
    assert "Both ends run on one kernel" in said
    assert "wg3 was not measured: bench1 is no peer of wg3" in said
    assert said.endswith("failed: round 1: broke\n")
    assert "Both ends" not in table.text(CLEAR)


def test_packets_that_do_not_fit_below_are_told() -> None:
    machine = host("b", "kernel")
    machine["links"]["wg2"]["mtu"] = 1421
    machine["links"]["wg1"].update({"underlay": None, "overhead": None})
    said = table.text(CLEAR._replace(environment={"nas1": machine}))
    assert "wg2 on nas1: packets of 1421 and 80 bytes do not fit eth0 with its 1500, and are sent in two parts." in said
    assert "wg1 on nas1" not in said
    assert "do not fit" not in table.text(CLEAR)


def test_a_run_without_figures_still_has_its_notes() -> None:
    empty = CLEAR._replace(samples=[], faults=["everything broke"])
    assert table.text(empty).endswith("failed: everything broke\n")


def test_differences_name_the_place_and_both_values() -> None:
    before = {"a": {"b": 1, "c": [1, 2]}, "d": None}
    after = {"a": {"b": 2, "c": [1, 2]}, "e": "new"}
    assert [tuple(one) for one in differences(before, after)] == [("a.b", "1", "2"), ("e", "nothing", "new")]


def test_circumstances_come_before_figures() -> None:
    newer = CLEAR._replace(environment={**CLEAR.environment, "nas1": {**host("b", "kernel"), "kernel": "6.12.0"}})
    said = compare.text(CLEAR, newer)
    assert "  hosts.nas1.kernel: 6.1.0-37-amd64 → 6.12.0\n" in said
    assert said.index("What differs") < said.index("TCP, one flow")


def test_two_runs_are_compared_interface_by_interface() -> None:
    later = result([300.0, 310.0, 320.0], [201.0, 219.0, 211.0])
    first, second = block(compare.text(CLEAR, later), "TCP, one flow")[1:]
    assert first.split() == ["wg1", "105.0", "(100.0–110.0)", "→", "310.0", "(300.0–320.0)", "2.95"]
    assert second.endswith("1.00   not distinguishable")


def test_an_interface_that_only_one_run_has_is_told() -> None:
    alone = CLEAR._replace(
        interfaces={"wg1": CLEAR.interfaces["wg1"]},
        samples=[one for one in CLEAR.samples if one["interface"] == "wg1"],
    )
    assert block(compare.text(alone, CLEAR), "TCP, one flow")[2].endswith("only in one of them")
    assert "–" in block(compare.text(CLEAR, alone), "TCP, one flow")[2]


def test_too_few_rounds_say_so() -> None:
    short = result([100.0], [200.0])
    said = compare.text(short, result([900.0], [100.0]))
    assert "stay apart in 100.0 % of cases" in said
    assert "measure more rounds" in said
    assert "measure more rounds" not in compare.text(CLEAR, CLOSE)


def test_runs_that_did_different_work_do_not_compare() -> None:
    longer = CLEAR._replace(settings={**CLEAR.settings, "seconds": 60})
    assert "did different work" in compare.text(CLEAR, longer)
    other_order = CLEAR._replace(settings={**CLEAR.settings, "seed": 2})
    assert "did different work" not in compare.text(CLEAR, other_order)
