# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs at the hooks of interfaces, by TCX and by clsact alike."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import (
    Look,
    Policed,
    forget,
    known,
    look,
    police,
    port_of,
    release,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import PROGRAMS, TCX
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND, HAS_ROUTER, PORTS
from tests.integration.bpf.hooked import at_hook, take_out, tc
from tests.integration.bpf.stage import OBJECTS, Stage, ip

WEB = Policed(1, 1, 0)
NOTHING = Look(None, (), ())


@pytest.fixture
def host(empty: Stage, way: str) -> Stage:  # noqa: ARG001
    empty.add_links("web", "db")
    return empty


def test_an_interface_is_policed_at_both_hooks(host: Stage, way: str) -> None:
    police(host.folder, "web", WEB)
    for program in PROGRAMS:
        assert at_hook("web", program, way) == [(program, host.programs[program].number)]
    seen = look(host.folder, "web")
    assert (seen.policed, seen.before) == (WEB, ())
    assert {found[:3] for found in seen.attached} == set(host.programs.values())
    assert {found.way for found in seen.attached} == {way}
    assert look(host.folder, "db") == NOTHING


def test_what_comes_in_can_be_judged_alone(host: Stage) -> None:
    police(host.folder, "web", WEB, incoming=True)
    seen = look(host.folder, "web")
    assert [found.program for found in seen.attached] == [PROGRAMS[0]]
    assert not seen.is_judged_by({name: program.number for name, program in host.programs.items()})


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
    assert look(host.folder, "web") == NOTHING


def test_again_is_nothing_new(host: Stage) -> None:
    police(host.folder, "web", WEB)
    before = look(host.folder, "web")
    police(host.folder, "web", WEB)
    assert look(host.folder, "web") == before


def test_new_programs_take_the_place_of_the_old_ones(host: Stage, way: str) -> None:
    police(host.folder, "web", WEB)
    old = look(host.folder, "web").attached
    programs = objects.load(host.folder, OBJECTS)
    # those that run are not the ones that are pinned now
    assert look(host.folder, "web").attached == old
    police(host.folder, "web", Policed(1, 2, 1))
    seen = look(host.folder, "web")
    assert {found[:3] for found in seen.attached} == set(programs.values())
    assert seen.policed == Policed(1, 2, 1)
    assert [len(at_hook("web", program, way)) for program in PROGRAMS] == [1, 1]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_somebody_removed_is_seen_and_mended(host: Stage, way: str, program: str) -> None:
    police(host.folder, "web", WEB)
    take_out("web", program, way)
    assert [found.program for found in look(host.folder, "web").attached] == [
        other for other in PROGRAMS if other != program
    ]
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2
    take_out("web", "", way)
    assert look(host.folder, "web").attached == ()
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2


def test_after_a_release_nothing_is_left(host: Stage, way: str) -> None:
    before = tc("qdisc show dev web")
    police(host.folder, "web", WEB)
    assert ("clsact" in tc("qdisc show dev web")) == (way != TCX)
    release(host.folder, "web")
    assert (tc("qdisc show dev web"), known(host.folder)) == (before, {})
    assert look(host.folder, "web") == NOTHING
    assert [at_hook("web", program, way) for program in PROGRAMS] == [[], []]
    release(host.folder, "web")


def test_filters_of_others_stay(host: Stage, way: str) -> None:
    path = objects.program_path(host.folder, "weft_egress")
    tc("qdisc add dev web clsact")
    tc(f"filter add dev web egress protocol all prio 7 bpf direct-action pinned {path}")
    theirs = tc("filter show dev web egress")
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2
    assert ("weft_egress" in tc("filter show dev web egress").replace(theirs, "")) == (way != TCX)
    release(host.folder, "web")
    assert tc("filter show dev web egress") == theirs
    assert look(host.folder, "web") == NOTHING


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


def test_one_that_is_made_anew_has_no_programs(host: Stage) -> None:
    """They went with it."""
    police(host.folder, "web", WEB)
    ip("link del web")
    host.add_links("web")
    assert look(host.folder, "web") == NOTHING
    police(host.folder, "web", WEB)
    assert len(look(host.folder, "web").attached) == 2


def test_programs_run_without_their_pins(host: Stage) -> None:
    """A hook holds its program, and a program its maps."""
    police(host.folder, "web", WEB)
    before = look(host.folder, "web").attached
    for name in host.programs:
        os.unlink(objects.program_path(host.folder, name))
    assert look(host.folder, "web").attached == before
    with pytest.raises(KernelError, match="No such file"):
        calls.pinned(objects.program_path(host.folder, "weft_ingress"))
    shutil.rmtree(host.folder)
    assert look(host.folder, "web") == Look(None, before, ())


def test_so_they_do_without_bpffs_and_those_of_the_next_one_take_their_places(host: Stage, way: str) -> None:
    police(host.folder, "web", WEB)
    before = look(host.folder, "web").attached
    mount = os.path.dirname(host.folder)
    subprocess.run(["umount", "--lazy", mount], check=True)
    assert look(host.folder, "web") == Look(None, before, ())
    subprocess.run(["mount", "-t", "bpf", "bpf", mount], check=True)
    programs = objects.load(host.folder, OBJECTS)
    police(host.folder, "web", WEB)
    seen = look(host.folder, "web")
    assert {found[:3] for found in seen.attached} == set(programs.values())
    assert seen.policed == WEB
    assert [len(at_hook("web", program, way)) for program in PROGRAMS] == [1, 1]
