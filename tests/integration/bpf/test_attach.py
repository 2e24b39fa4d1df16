# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs at the hooks of interfaces, as tc(8) sees them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import (
    PROGRAMS,
    Policed,
    forget,
    known,
    look,
    police,
    port_of,
    release,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND, HAS_ROUTER, PORTS
from tests.integration.bpf.stage import OBJECTS, Stage, ip

HOOKS = ("ingress", "egress")
WEB = Policed(1, 1, 0)


def tc(command: str) -> str:
    run = subprocess.run(["tc", *command.split()], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"tc {command}: {run.stderr}"
    return run.stdout


def filters(link: str, hook: str) -> list[dict[str, Any]]:
    found = json.loads(tc(f"-j filter show dev {link} {hook}") or "[]")
    return [entry["options"] for entry in found if "handle" in entry.get("options", {})]


@pytest.fixture
def host(empty: Stage) -> Stage:
    empty.add_links("web", "db")
    return empty


def test_an_interface_is_policed_at_both_hooks(host: Stage) -> None:
    police(host.folder, "web", WEB)
    for hook in HOOKS:
        (found,) = filters("web", hook)
        assert found["direct-action"]
        assert found["bpf_name"] == f"weft_{hook}"
        assert found["prog"]["id"] == host.programs[f"weft_{hook}"].number
    seen = look(host.folder, "web")
    assert (seen.policed, seen.before) == (WEB, ())
    assert {(found.program, found.number, found.tag) for found in seen.attached} == set(host.programs.values())
    assert look(host.folder, "db") == (None, (), ())


def test_a_bridge_whose_ports_are_policed_has_both_programs_and_its_ports_have_its_number(host: Stage) -> None:
    bridge = Policed(1, 7, PORTS)
    police(host.folder, "web", bridge)
    seen = look(host.folder, "web")
    assert (seen.policed, tuple(found.program for found in seen.attached)) == (bridge, PROGRAMS)
    port = port_of(Policed(1, 7, PORTS | HAS_ROUTER))
    assert port == Policed(1, 7, BOUND)
    police(host.folder, "db", port)
    seen = look(host.folder, "db")
    assert (seen.policed, tuple(found.program for found in seen.attached)) == (port, PROGRAMS)
    release(host.folder, "web")
    assert look(host.folder, "web") == (None, (), ())


def test_again_is_nothing_new(host: Stage) -> None:
    police(host.folder, "web", WEB)
    before = [filters("web", hook) for hook in HOOKS]
    police(host.folder, "web", WEB)
    assert [filters("web", hook) for hook in HOOKS] == before


def test_new_programs_take_the_place_of_the_old_ones(host: Stage) -> None:
    police(host.folder, "web", WEB)
    old = look(host.folder, "web").attached
    programs = objects.load(host.folder, OBJECTS)
    # those that run are not the ones that are pinned now
    assert look(host.folder, "web").attached == old
    police(host.folder, "web", Policed(1, 2, 1))
    seen = look(host.folder, "web")
    assert {(found.program, found.number, found.tag) for found in seen.attached} == set(programs.values())
    assert seen.policed == Policed(1, 2, 1)
    assert [len(filters("web", hook)) for hook in HOOKS] == [1, 1]


@pytest.mark.parametrize("hook", HOOKS)
def test_what_somebody_removed_is_seen_and_mended(host: Stage, hook: str) -> None:
    police(host.folder, "web", WEB)
    tc(f"filter del dev web {hook}")
    other = [f"weft_{name}" for name in HOOKS if name != hook]
    assert [found.program for found in look(host.folder, "web").attached] == other
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2
    tc("qdisc del dev web clsact")
    assert look(host.folder, "web").attached == ()
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2


def test_what_somebody_put_in_its_place_is_seen(host: Stage) -> None:
    """The same place, and not our program."""
    police(host.folder, "web", WEB)
    path = objects.program_path(host.folder, "weft_egress")
    tc(f"filter replace dev web ingress protocol all prio 1 handle 1 bpf direct-action pinned {path}")
    assert [found.program for found in look(host.folder, "web").attached] == ["weft_egress"]


def test_after_a_release_nothing_is_left(host: Stage) -> None:
    before = tc("qdisc show dev web")
    police(host.folder, "web", WEB)
    assert "clsact" in tc("qdisc show dev web")
    release(host.folder, "web")
    assert (tc("qdisc show dev web"), known(host.folder)) == (before, {})
    assert look(host.folder, "web") == (None, (), ())
    release(host.folder, "web")


def test_filters_of_others_stay(host: Stage) -> None:
    path = objects.program_path(host.folder, "weft_egress")
    tc("qdisc add dev web clsact")
    tc(f"filter add dev web egress protocol all prio 7 bpf direct-action pinned {path}")
    police(host.folder, "web", WEB)
    assert [len(filters("web", hook)) for hook in HOOKS] == [1, 2]
    release(host.folder, "web")
    assert [len(filters("web", hook)) for hook in HOOKS] == [0, 1]
    assert "clsact" in tc("qdisc show dev web")


def test_a_filter_of_somebody_else_in_our_place_is_not_replaced(host: Stage) -> None:
    path = objects.program_path(host.folder, "weft_egress")
    tc("qdisc add dev web clsact")
    tc(f"filter add dev web ingress protocol all prio 1 handle 1 bpf direct-action pinned {path}")
    theirs = filters("web", "ingress")
    with pytest.raises(KernelError, match="somebody else"):
        police(host.folder, "web", WEB)
    assert filters("web", "ingress") == theirs
    assert look(host.folder, "web").before == (f"bpf {theirs[0]['bpf_name']}",)


def test_an_ingress_discipline_of_somebody_else_is_named(host: Stage) -> None:
    """It would take the egress filter for one of ingress."""
    tc("qdisc add dev web ingress")
    with pytest.raises(KernelError, match="queueing discipline ingress, where weft needs clsact"):
        police(host.folder, "web", WEB)
    assert filters("web", "ingress") == []


def test_a_link_that_is_not_there_is_named(host: Stage) -> None:
    for call in (lambda: police(host.folder, "gone", WEB), lambda: look(host.folder, "gone")):
        with pytest.raises(KernelError, match="there is no link gone"):
            call()


def test_an_interface_that_is_gone_is_forgotten(host: Stage) -> None:
    police(host.folder, "web", WEB)
    police(host.folder, "db", Policed(2, 1, 0))
    gone = host.devices["web"]
    ip("link del web")
    assert known(host.folder)[gone] == WEB
    forget(host.folder, gone)
    forget(host.folder, gone)
    assert known(host.folder) == {host.devices["db"]: Policed(2, 1, 0)}


def test_programs_run_without_their_pins(host: Stage) -> None:
    """A filter holds its program, and a program its maps."""
    police(host.folder, "web", WEB)
    numbers = {found.number for found in look(host.folder, "web").attached}
    for name in host.programs:
        os.unlink(objects.program_path(host.folder, name))
    assert {found.number for found in look(host.folder, "web").attached} == numbers
    with pytest.raises(KernelError, match="No such file"):
        calls.pinned(objects.program_path(host.folder, "weft_ingress"))
