# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs go from clsact to TCX while packets pass, and each packet is judged by one of them, once."""

from __future__ import annotations

import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects, support
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import look
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hook_clsact import Clsact
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, PROGRAMS, TCX
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import LAST_WORD
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.channel import Channel
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import TUNNEL
from tests.integration.bpf.hooked import enter, take_out
from tests.integration.bpf.hosts import until
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import OBJECTS
from tests.integration.bpf.test_swap import FORBIDDEN, GENERATIONS, PERMITTED, lost_elsewhere, stop
from tests.integration.bpf.ways import go

TURNS = 30
LINKS = ("web", "db", "tun", "bridge")


@pytest.mark.fault("F09")
@pytest.mark.parametrize("family", FAMILIES)
def test_programs_are_taken_over_under_load(site: Site, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """db is one at which packets lose their mark: judged there a second time, they are nobody's. None that is permitted
    is lost, and none that is forbidden gets through."""
    if not support.has_tcx():
        pytest.skip("this kernel has no TCX (6.6)")
    address = ADDRESSES["db"][family == "ipv6"]
    site.stage.enforce_tables(GENERATIONS[0])
    go(monkeypatch, CLSACT)
    site.police(db=TUNNEL)
    site.web.run("ip", "neighbour", "replace", address, "lladdr", MACS["db"], "dev", "port", "nud", "permanent")
    receivers = [site.db.traffic("receive", address, str(port)) for port in (PERMITTED, FORBIDDEN)]
    for receiver in receivers:
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "ready\n"
    senders = [site.web.traffic("send", address, str(port)) for port in (PERMITTED, FORBIDDEN)]
    until(lambda: _dropped(site), "no packet came")
    for _turn in range(TURNS):
        assert ways(site) == {CLSACT}
        go(monkeypatch, TCX)
        objects.load(site.stage.folder, OBJECTS)
        site.police(db=TUNNEL)
        assert ways(site) == {TCX}
        go_back(site)
        go(monkeypatch, CLSACT)
        site.police(db=TUNNEL)
    sent, tried = map(stop, senders)
    no_room = lost_elsewhere(receivers[0])
    received, leaked = map(stop, receivers)
    assert no_room == 0, "the receiver was too slow: this says nothing of the host between"
    assert (received, leaked) == (sent, 0)
    assert min(sent, tried) > 10 * TURNS


def go_back(site: Site) -> None:
    """To clsact, without a packet lost either: nothing but this test does that."""
    folder = site.stage.folder
    handles = {name: calls.pinned(objects.program_path(folder, name)) for name in PROGRAMS}
    channel = Channel()
    for link in LINKS:
        policed = look(folder, link).policed
        assert policed is not None
        enter(site.stage, link, policed._replace(flags=policed.flags | LAST_WORD))
        Clsact(channel).put(link, site.stage.devices[link], handles)
        take_out(link, "", TCX)
    channel.close()
    for handle in handles.values():
        os.close(handle)


def ways(site: Site) -> set[str]:
    return {found.way for link in LINKS for found in look(site.stage.folder, link).attached}


def _dropped(site: Site) -> int:
    return sum(found.packets for found in counters(site.stage.folder) if not found.observed)
