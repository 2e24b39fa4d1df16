"""What hosts deny is told on the NAS, whoever was away when."""

from __future__ import annotations

import json

import pytest

from lab import host as hosts
from lab import machine, matrix, tenants, traffic
from lab.shell import wait_until


@pytest.fixture(scope="module")
def containers(inventory):
    found = tenants.parties()
    matrix.everybody_answers(found, tenants.PORTS)
    return {party.name: party for party in found}


def _denied(containers, source, destination, port):
    """Somebody asks for what he may not have, once."""
    matrix.ask(containers, [matrix.Probe(source, destination, matrix.UDP, port)], 0.2)


def _told(on, where, host, source, port):
    options = f"--host {host}" if on == "nas1" else ""
    told = traffic.must(on, "sh", "-c", f"weft denials --since 10m --source {source} --json {options}")
    lines = map(json.loads, told.splitlines())
    return [line for line in lines if (line["destination"], line["destination_port"]) == (where, port)]


def test_a_denial_is_told_on_the_nas_with_its_names(containers):
    _denied(containers, "db1", "web2", 4001)
    wait_until("the line on the NAS", lambda: _told("nas1", "web2", "runner1", "db1", 4001), 40)
    line = _told("nas1", "web2", "runner1", "db1", 4001)[0]
    assert (line["host"], line["network"], line["reason"]) == ("runner1", "shop", "NO_RULE")
    assert line == _told("runner1", "web2", "", "db1", 4001)[0]


def test_nothing_is_lost_while_the_nas_is_away(containers):
    machine.stop(hosts.load("nas1"))
    try:
        for port in (4101, 4102, 4103):
            _denied(containers, "db2", "web1", port)
        wait_until("the lines on the runner", lambda: _told("runner2", "web1", "", "db2", 4103), 20)
    finally:
        machine.start(hosts.load("nas1"))
        machine.wait_ready(hosts.load("nas1"))
    for port in (4101, 4102, 4103):
        wait_until(f"line {port}", lambda port=port: _told("nas1", "web1", "runner2", "db2", port), 90)
        assert _told("nas1", "web1", "runner2", "db2", port) == _told("runner2", "web1", "", "db2", port)


def test_a_runner_that_was_restarted_goes_on_where_it_was(containers):
    _denied(containers, "db3", "web1", 4201)
    machine.reboot(hosts.load("runner3"), hard=True)
    again = {party.name: party for party in tenants.parties()}
    _denied(again, "db3", "web1", 4202)
    wait_until("the second line", lambda: _told("nas1", "web1", "runner3", "db3", 4202), 90)
    found = _told("nas1", "web1", "runner3", "db3", 4202)
    assert found == _told("runner3", "web1", "", "db3", 4202)


def test_metrics_say_how_much(containers):
    text = traffic.must(
        "runner1",
        "sh",
        "-c",
        "cat /var/lib/weft/metrics/*.prom /var/lib/prometheus/node-exporter/*.prom 2>/dev/null || true",
    )
    assert "weft_policy_denied_packets_total{" in text
    assert 'source="db1"' in text
    assert "weft_audit_unsent_dropped_lines_total 0" in text
