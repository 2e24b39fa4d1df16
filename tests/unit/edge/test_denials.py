# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft denials`: the spool as a table, as far as somebody asked for it."""

from __future__ import annotations

import re
import time

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.names import moment
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.shown import (
    Asked,
    asked_by,
    main,
    table,
    wanted,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.collected import folder_of
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import Spool
from ansible_collections.weft.overlay.plugins.module_utils.model.audit import from_line, to_line
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Collector
from tests.unit.model.test_audit import DENIED

PING = DENIED._replace(
    time="2026-11-21T19:20:22.000000Z",
    source="unknown",
    source_address=None,
    reason="SOURCE",
    rule=None,
    protocol="ICMP",
    type=8,
    source_port=None,
    destination_port=None,
    observed=True,
    held_back=40,
)
NOW = 1_795_288_881.0  # a minute after the first


def test_a_table_says_it_in_a_line_each():
    *rows, last = table([DENIED, PING])
    assert [re.split("  +", row) for row in rows] == [
        ["time", "source", "destination", "what", "on", "reason", "rule", "besides"],
        [
            *("2026-11-21 19:20:21", "web (10.20.0.2)", "db (10.20.0.3)", "TCP 22", "wg0 ingress", "RULE"),
            "policies.web.ingress[2]",
        ],
        [
            *("2026-11-21 19:20:22", "unknown", "db (10.20.0.3)", "ICMP type 8", "wg0 ingress", "SOURCE", "-"),
            "40 more before, passed, only observed",
        ],
    ]
    assert {row.index(cell) for row, cell in zip(rows, ("reason", "RULE", "SOURCE"))} == {rows[0].index("reason")}
    assert last == "40 more of the same senders were not written down; the metrics count them"


def test_no_name_commands_the_terminal():
    row = table([DENIED._replace(interface="a\x1b[2J\udc80b")])[1]
    assert "a?[2J?b ingress" in row
    assert row.isprintable()


def test_nothing_is_said_to_be_nothing():
    assert table([]) == ["nothing was denied, as far as is written down here"]


def test_only_what_was_asked_for_is_shown():
    found = [DENIED, None, PING]
    assert wanted(found, Asked(), NOW) == [DENIED, PING]
    assert wanted(found, Asked(source="web"), NOW) == [DENIED]
    assert wanted(found, Asked(reason="SOURCE"), NOW) == [PING]
    assert wanted(found, Asked(since=59), NOW) == [PING]
    assert wanted(found, Asked(since=60), NOW) == [DENIED, PING]
    assert wanted(found, Asked(since=58), NOW) == []


def test_options_are_understood():
    assert asked_by([]) == Asked()
    assert asked_by(["--since", "10m", "--json"]) == Asked(600, plain=True)
    assert asked_by(["--host", "hub"]) == Asked(host="hub")
    assert asked_by(["--source", "web", "--reason", "no_rule", "--since", "2d"]) == Asked(172800, "web", "NO_RULE")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--since", "ten"], "'ten' is no span of time; 90s, 10m, 6h or 2d is one"),
        (["--since", "0m"], "'0m' is no span of time; 90s, 10m, 6h or 2d is one"),
        (["--since"], "--since wants a value"),
        (["--host"], "--host wants a value"),
        (["--reason", "WHY"], "'WHY' is no reason; there are NO_RULE, RULE, NETWORK, SOURCE,"),
        (["web"], "there is no option 'web'"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_what_would_be_right(options, says, capsys):
    assert main(["denials", *options]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(f"weft: {says}")
    assert "usage: weft denials [--since 10m]" in shown


def test_the_spool_is_read_and_half_lines_are_passed_over(tmp_path, capsys):
    recent = DENIED._replace(time=moment(time.time_ns() - 10**9))
    Spool(str(tmp_path)).append([to_line(DENIED), '{"time": "2026', to_line(recent)], time.time())
    assert main(["denials", "--json", "--since", "1m"], str(tmp_path)) == 0
    assert capsys.readouterr().out == to_line(recent) + "\n"
    assert main(["denials"], str(tmp_path)) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_spool_that_cannot_be_read_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["denials"], str(tmp_path / "file")) == 1
    assert "Not a directory" in capsys.readouterr().err


def test_where_nothing_was_ever_written_nothing_was_denied(tmp_path, capsys):
    assert main(["denials"], str(tmp_path / "none")) == 0
    assert capsys.readouterr().out == "nothing was denied, as far as is written down here\n"


@pytest.fixture
def nas(tmp_path):
    """Arguments for main: its own spool, and its plan; and a function that collects a host's denials."""
    plan = HostPlan("nas", NAS, collector=Collector(("192.0.2.1",), 5515, str(tmp_path)))
    (tmp_path / "plan.json").write_text(to_json(plan), encoding="utf-8")

    def collects(host, *denials):
        Spool(folder_of(plan.collector.folder, host)).append([to_line(denial) for denial in denials], NOW)

    own = DENIED._replace(host="nas", time="2026-11-21T19:20:21.500000Z")
    Spool(str(tmp_path / "own")).append([to_line(own)], NOW)
    return [str(tmp_path / "own"), str(tmp_path / "plan.json")], collects, own


def told(capsys):
    return [from_line(line) for line in capsys.readouterr().out.splitlines()]


def test_the_nas_tells_of_all_hosts_in_the_order_of_time(nas, capsys):
    places, collects, own = nas
    first, last = DENIED._replace(host="hub"), PING._replace(host="hub")
    web = DENIED._replace(host="web/1", time="2026-11-21T19:20:21.900000Z")
    collects("hub", first, last)
    collects("web/1", web)
    # It sends to itself too.
    collects("nas", own)
    assert main(["denials", "--json"], *places) == 0
    assert told(capsys) == [first, own, web, last]
    for host, expected in (("hub", [first, last]), ("web/1", [web]), ("nas", [own]), ("other", [])):
        assert main(["denials", "--json", "--host", host], *places) == 0
        assert told(capsys) == expected
    assert main(["denials"], *places) == 0
    rows = [re.split("  +", row)[:3] for row in capsys.readouterr().out.splitlines()]
    assert rows[:2] == [["time", "host", "source"], ["2026-11-21 19:20:21", "hub", "web (10.20.0.2)"]]


def test_a_host_that_says_it_is_another_is_shown_as_who_it_is(nas, capsys):
    places, collects, _own = nas
    collects("web", DENIED._replace(host="hub"))
    assert main(["denials", "--json", "--host", "hub"], *places) == 0
    assert told(capsys) == []
    assert main(["denials", "--json", "--host", "web"], *places) == 0
    assert told(capsys) == [DENIED._replace(host="web")]


def test_a_plan_that_cannot_be_read_hides_nothing_of_what_is_here(nas, tmp_path, capsys):
    places, _collects, own = nas
    (tmp_path / "plan.json").write_text("{", encoding="utf-8")
    assert main(["denials", "--json"], *places) == 0
    assert told(capsys) == [own]
