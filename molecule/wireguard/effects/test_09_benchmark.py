"""The NAS's interfaces are measured beside each other, by a machine elsewhere, and wg0 has no part in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import machine

# One of the kernel's, one of wireguard-go's, one with IPv6 alone.
LINKS = ("wg1", "wg2", "wg15")
QUICK = ("rounds=1", "seconds=1", "weft_benchmark_pings=20")


@pytest.fixture(scope="module")
def measured(inventory):
    """The folder of a run, and how many bytes of anybody's went through the router's wg0 meanwhile."""

    def measure(intent):
        intent["profiles"]["bench"] = {"lan": True, "exclude": ["198.18.0.0/24", "fd00:18::/64"]}
        for link in LINKS:
            intent["bindings"][link].append("bench")
            intent["clients"][f"on-{link}"] = {"interface": link, "profile": "bench", "host": "peer1"}

    inventory.edit(measure)
    run = inventory.site()
    assert run.code == 0, run.output
    before = _through_wg0()
    options = [
        word for setting in ("client=peer1", f"interfaces={','.join(LINKS)}", *QUICK) for word in ("-e", setting)
    ]
    run = inventory.play("benchmark", *options)
    assert run.code == 0, run.output
    (folder,) = Path(inventory.path("benchmark")).iterdir()
    return folder, _through_wg0() - before


def _through_wg0():
    rows = machine.execute("router", "wg", "show", "wg0", "transfer").stdout.splitlines()
    return sum(int(number) for row in rows for number in row.split()[1:])


def test_every_interface_did_every_work(measured):
    result = json.loads((measured[0] / "result.json").read_text(encoding="utf-8"))
    assert (result["faults"], result["left_out"]) == ([], [])
    done = {(one["interface"], one["work"]): one["figures"] for one in result["samples"]}
    both = ("idle-ipv4", "idle-ipv6", "tcp-1", "tcp-8", "udp-64")
    assert set(done) == {(link, work) for link in LINKS for work in both} - {("wg15", "idle-ipv4")}
    for link in LINKS:
        assert done[link, "tcp-1"]["bytes"] > 1_000_000
        assert done[link, "udp-64"]["received"] > 100
    assert result["environment"]["nas1"]["links"]["wg2"]["mtu"] > 0


def test_wg0_carried_nothing_of_it(measured):
    assert measured[1] < 50_000


def test_table_page_and_plots_are_there(measured):
    folder = measured[0]
    table = (folder / "table.txt").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert [link for link in LINKS if link not in table or link not in page] == []
    assert "<svg" in page
    assert all(plot.read_bytes().startswith(b"\x89PNG") for plot in folder.glob("*.png"))
    assert list(folder.glob("*.png"))


def test_nothing_of_it_runs_on(measured):
    for name in ("nas1", "peer1"):
        assert machine.execute(name, "pgrep", "-x", "iperf3").returncode == 1
