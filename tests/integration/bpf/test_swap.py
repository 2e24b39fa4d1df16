# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies change while packets pass, and each packet is judged by one of them, whole."""

from __future__ import annotations

import subprocess
from itertools import cycle
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import Tables, pack
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, Place, PortClass, Verdict
from tests.integration.bpf.hosts import until
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import DB, LAN, WEB, maps
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import OBJECTS

SWAPS = 100
PERMITTED, FORBIDDEN = 1111, 2222


def generation(web: int, db: int, spare: int) -> Tables:
    """web may send to db on one port, and db to web on the other. web, db: their classes, which the next generation
    gives to others: a packet whose ends are of one generation and whose verdict is of another is judged wrongly, in
    both flows. spare: what lan is; lines about it come and go."""

    def moved(place: Place) -> Place:
        classes = {WEB: web, DB: db, LAN: spare}
        endpoint = place.endpoint
        return place._replace(endpoint=endpoint._replace(class_=classes.get(endpoint.class_, endpoint.class_)))

    lines = [Verdict(web, db, 17, PERMITTED, ALLOW, 0, 1), Verdict(db, web, 17, FORBIDDEN, ALLOW, 0, 2)]
    lines += [Verdict(spare, other, 17, 7, ALLOW, 0, 3) for other in range(1000, 1000 + 50 * spare)]
    ports = [PortClass(6, 0, 0), PortClass(17, 0, 0), PortClass(132, 0, 0)]
    for first, class_ in (
        (0, 0),
        (PERMITTED, PERMITTED),
        (PERMITTED + 1, 0),
        (FORBIDDEN, FORBIDDEN),
        (FORBIDDEN + 1, 0),
    ):
        ports.append(PortClass(17, first, class_))
    return pack(
        maps()._replace(
            sources=tuple(map(moved, maps().sources)),
            destinations=tuple(map(moved, maps().destinations)),
            verdicts=tuple(lines),
            port_classes=tuple(ports),
            attachments=(),
        )
    )


GENERATIONS = [generation(1, 2, 3), generation(2, 1, 5), generation(3, 1, 2), generation(2, 3, 1)]


def lost_elsewhere(process: subprocess.Popen[str]) -> int:
    """Datagrams that a namespace had no memory for."""
    found = 0
    for name, word in (("snmp", "Udp: "), ("snmp6", "Udp6RcvbufErrors")):
        lines = Path(f"/proc/{process.pid}/net/{name}").read_text().splitlines()
        rows = [line.split() for line in lines if line.startswith(word)]
        if word == "Udp: ":
            found += int(dict(zip(*rows))["RcvbufErrors"])
        else:
            found += int(rows[0][1])
    return found


def stop(process: subprocess.Popen[str]) -> int:
    process.terminate()
    out, _none = process.communicate(timeout=60)
    return int(out.split()[-1])


@pytest.mark.fault("F07")
@pytest.mark.parametrize("family", FAMILIES)
def test_policies_are_switched_under_load_without_a_packet_judged_by_two(site: Site, family: str) -> None:
    """None that is permitted is lost, and none that is forbidden gets through."""
    address = ADDRESSES["db"][family == "ipv6"]
    site.stage.enforce_tables(GENERATIONS[0])
    site.police()
    # Looking for the address first would lose what waits for it.
    site.web.run("ip", "neighbour", "replace", address, "lladdr", MACS["db"], "dev", "port", "nud", "permanent")
    receivers = [site.db.traffic("receive", address, str(port)) for port in (PERMITTED, FORBIDDEN)]
    for receiver in receivers:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
    senders = [site.web.traffic("send", address, str(port)) for port in (PERMITTED, FORBIDDEN)]
    until(lambda: _dropped(site), "no packet came")
    before = _dropped(site)
    generations = cycle(GENERATIONS[1:] + GENERATIONS[:1])
    for turn in range(SWAPS):
        site.stage.enforce_tables(next(generations))
        if turn % 10 == 9:
            # New programs as well, and a moment without any would be seen by the forbidden flow.
            objects.load(site.stage.folder, OBJECTS)
            site.police()
    dropped = _dropped(site) - before
    sent, tried = map(stop, senders)
    no_room = lost_elsewhere(receivers[0])
    received, leaked = map(stop, receivers)
    assert no_room == 0, "the receiver was too slow: this says nothing of the host between"
    assert (received, leaked) == (sent, 0)
    # Both flows were there all the time.
    assert min(sent, tried, dropped) > 10 * SWAPS


def _dropped(site: Site) -> int:
    return sum(found.packets for found in counters(site.stage.folder) if not found.observed)
