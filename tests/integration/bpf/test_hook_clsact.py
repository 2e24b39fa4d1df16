# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who else can be at clsact, where a kernel has nothing better."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, look, police
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, EGRESS, INGRESS
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from tests.integration.bpf.hooked import at_hook, tc
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.ways import go

WEB = Policed(1, 1, 0)


@pytest.fixture
def host(empty: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    go(monkeypatch, CLSACT)
    empty.add_links("web")
    return empty


def test_a_filter_acts_itself(host: Stage) -> None:
    police(host.folder, "web", WEB)
    assert tc("filter show dev web ingress").count("direct-action") == 1


def test_what_somebody_put_in_its_place_is_seen(host: Stage) -> None:
    """The same place, and not our program."""
    police(host.folder, "web", WEB)
    path = objects.program_path(host.folder, EGRESS)
    tc(f"filter replace dev web ingress protocol all prio 1 handle 1 bpf direct-action pinned {path}")
    assert [found.program for found in look(host.folder, "web").attached] == [EGRESS]


def test_a_filter_of_somebody_else_in_our_place_is_not_replaced(host: Stage) -> None:
    path = objects.program_path(host.folder, EGRESS)
    tc("qdisc add dev web clsact")
    tc(f"filter add dev web ingress protocol all prio 1 handle 1 bpf direct-action pinned {path}")
    theirs = at_hook("web", INGRESS, CLSACT)
    with pytest.raises(KernelError, match="somebody else"):
        police(host.folder, "web", WEB)
    assert at_hook("web", INGRESS, CLSACT) == theirs
    assert look(host.folder, "web").before == (f"bpf {theirs[0][0]}",)


def test_an_ingress_discipline_of_somebody_else_is_named(host: Stage) -> None:
    """It would take the egress filter for one of ingress."""
    tc("qdisc add dev web ingress")
    with pytest.raises(KernelError, match="queueing discipline ingress, where weft needs clsact"):
        police(host.folder, "web", WEB)
    assert at_hook("web", INGRESS, CLSACT) == []
