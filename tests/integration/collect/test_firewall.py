# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts that send denials reach the port of the collector, also as clients whose profile lets them reach nothing; and
nobody else does that could not before. In every back end, with packets of both families."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.wanted import desired
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import (
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    NONE,
    Ruleset,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Collector
from tests.integration.collect.conftest import until
from tests.integration.kernel.conftest import Far, Host
from tests.integration.kernel.test_firewall_rulesets import seen, swap

SENDER, OTHER = ("198.18.0.11", "fd00:18::11"), ("198.18.0.12", "fd00:18::12")
NAS = ("192.0.2.1", "fd00:2::1")
COLLECTOR = Collector(NAS, 5515, "/srv/weft", (), SENDER)
# What is called `near` stands for a WireGuard link whose clients may reach nothing.
GATE = Access(
    link="near",
    port=51820,
    subnets=("198.18.0.0/24", "fd00:18::/64"),
    addresses=("198.18.0.10", "fd00:18::10"),
    reaches=(Reach("nothing", (*SENDER, *OTHER)),),
    internal=("198.18.0.0/24", "fd00:18::/64"),
    masquerade="nothing",
    mtu=1420,
    zone="internal",
)
CALL = "import socket, sys; socket.create_connection((sys.argv[2], int(sys.argv[3])), 1, (sys.argv[1], 0)).close()"


class Place:
    def __init__(self, host: Host) -> None:
        self.far = Far(host)
        self.doors: list[socket.socket] = []

    def prepare(self, host: Host) -> None:
        for address in NAS:
            host.ip(f"addr add {address} dev lo" + " nodad" * (":" in address))
            self.far.run("ip", "route", "add", address, "via", "fd00:18::10" if ":" in address else "198.18.0.10")
        for address in OTHER:
            bits = ("64", "nodad") if ":" in address else ("24",)
            self.far.run("ip", "addr", "add", f"{address}/{bits[0]}", "dev", "far", *bits[1:])
        self.doors += [
            socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
            for address in NAS
            for port in (5515, 5516)
        ]

    def reached(self) -> set[tuple[str, int]]:
        """(from, port) of all that is; all are tried at once, for those that are refused take their time."""
        calls = {
            (source, port): subprocess.Popen(
                [*self.far.enter, sys.executable, "-c", CALL, source, address, str(port)], stderr=subprocess.DEVNULL
            )
            for sources in (SENDER, OTHER)
            for source, address in zip(sources, NAS)
            for port in (5515, 5516)
        }
        return {call for call, process in calls.items() if process.wait() == 0}

    def close(self) -> None:
        for door in self.doors:
            door.close()
        self.far.close()


@pytest.mark.parametrize("gates", [(), (GATE,)], ids=["anybody", "clients"])
@pytest.mark.parametrize("backend", [NONE, IPTABLES_NFT, IPTABLES_LEGACY])
def test_only_who_sends_reaches_it(host: Host, backend: str, gates: tuple[Access, ...]) -> None:
    place = Place(host)
    try:
        place.prepare(host)
        everything = {(source, port) for source in (*SENDER, *OTHER) for port in (5515, 5516)}
        # Links have just come up.
        until(lambda: place.reached() == everything, "not everything is reached without rules")
        if backend != NONE:
            for tool in ("iptables", "ip6tables"):
                command = [f"{tool}-{backend.rpartition('-')[2]}", "-A", "INPUT", "-p", "tcp", "-j", "DROP"]
                subprocess.run(command, check=True)
            assert place.reached() == set()
        rulesets = desired(None, gates, backend, COLLECTOR)
        if not gates and backend == NONE:
            assert rulesets == ()
            return
        (wanted,) = rulesets
        assert isinstance(wanted, Ruleset)
        swap(None, wanted)
        assert seen()[wanted.key()].signature == wanted.signature
        assert place.reached() == {(source, 5515) for source in SENDER}
        swap(wanted, None)
        assert place.reached() == (everything if backend == NONE else set())
    finally:
        place.close()
