# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a plan with a policy to packets that are judged, and back to a host without a trace of it."""

from __future__ import annotations

import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import BPFFS, is_mounted, mount
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import BPF_FOLDER
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Borrowed, Route
from tests.integration.policy.town import LINKS, NOTHING, OPEN, SHUT, Town, answers, ip, plan


def test_a_plan_with_a_policy_is_carried_out_where_not_even_bpffs_was_mounted(town: Town) -> None:
    assert not is_mounted(BPFFS)
    changes = town.changes(plan(OPEN))
    assert changes[:5] == [
        "+ policy policy",
        "+ link bridge",
        "+ link vxlan0",
        "+ policed interface bridge",
        "+ policed interface vxlan0",
    ]
    assert is_mounted(BPFFS)
    for link in LINKS:
        assert [found.split()[0] for found in town.programs(link).values()] == ["weft_ingress", "weft_egress"]
    assert answers(town.move_in())


def test_a_second_run_has_nothing_to_do(town: Town) -> None:
    town.converge(plan(OPEN))
    before = [town.programs(link) for link in LINKS]
    assert town.changes(plan(OPEN)) == []
    assert [town.programs(link) for link in LINKS] == before


def test_another_policy_judges_at_once(town: Town) -> None:
    town.converge(plan(OPEN))
    web = town.move_in()
    assert answers(web)
    assert town.changes(plan(SHUT)) == ["~ policy policy (digest)"]
    assert not answers(web)
    assert town.changes(plan(OPEN)) == ["~ policy policy (digest)"]
    assert answers(web)


def test_without_a_policy_nothing_is_left_of_it(town: Town) -> None:
    town.converge(plan(None))
    before = town.traces()
    town.converge(plan(SHUT))
    web = town.move_in()
    assert not answers(web)
    assert town.changes(plan(None)) == ["- policed interface bridge", "- policed interface vxlan0", "- policy policy"]
    assert town.traces() == before
    assert answers(web)


def test_a_plan_of_nothing_takes_everything_away(town: Town) -> None:
    before = town.traces()
    town.converge(plan(OPEN))
    town.converge(NOTHING)
    assert town.traces() == before
    assert town.changes(NOTHING) == []


def test_what_is_borrowed_of_the_main_table_is_in_the_table_of_a_network(town: Town) -> None:
    for command in (
        "link add eth0 type veth peer name far",
        "link set eth0 up",
        "link set far up",
        "addr add 192.0.2.10/24 dev eth0",
        "addr add 2001:db8::10/64 dev eth0 nodad",
        "route add default via 192.0.2.1",
        "route add default via 192.0.2.2 metric 700",
        "route add blackhole 10.99.0.0/16",
        "-6 route add default via fe80::1 dev eth0",
    ):
        ip(command)
    wishes = [Borrowed(prefix, 119001) for prefix in ("0.0.0.0/0", "::/0")] + [Borrowed("192.168.7.0/24", 119002)]
    wanted = plan(OPEN, borrowed=tuple(wishes), routes=(Route("10.30.0.0/16", "10.20.0.9", "bridge", "", 119001),))
    before = town.traces()
    town.converge(wanted)
    assert _routes("route show table 119001") == {
        "default via 192.0.2.1 dev eth0 proto 119 onlink",
        "192.0.2.0/24 dev eth0 proto 119",
        "10.30.0.0/16 via 10.20.0.9 dev bridge proto 119 onlink",
        "unreachable 10.20.0.0/16 proto 119 metric 4294967295",
        "unreachable 10.99.0.0/16 proto 119 metric 4294967295",
    }
    assert "default via fe80::1 dev eth0 proto 119" in ip("-6 route show table 119001")
    assert _routes("route show table 119002") == {"192.168.7.0/24 via 192.0.2.1 dev eth0 proto 119 onlink"}
    assert town.changes(wanted) == []
    ip("route del default via 192.0.2.1")
    assert town.changes(wanted) == [
        "~ route 0.0.0.0/0 table 119001 (via 192.0.2.1 → 192.0.2.2)",
        "~ route 192.168.7.0/24 table 119002 (via 192.0.2.1 → 192.0.2.2)",
    ]
    assert town.changes(wanted) == []
    town.converge(NOTHING)
    assert town.traces() == before


def _routes(command: str) -> set[str]:
    return {" ".join(line.split()) for line in ip(command).splitlines()}


def test_a_bridge_whose_ports_are_policed_has_both_programs_too(town: Town) -> None:
    """What comes in there came by a port that nobody polices. Whether it was policed in another way before, or not at
    all."""
    bridge, tunnel = OPEN.attachments
    ports = plan(OPEN._replace(attachments=(bridge._replace(flags=PORTS), tunnel)))
    for before in (plan(OPEN), NOTHING):
        town.converge(before)
        town.converge(ports)
        assert set(town.programs("bridge")) == {"ingress", "egress"}
        assert set(town.programs("vxlan0")) == {"ingress", "egress"}
        assert town.changes(ports) == []


@pytest.mark.fault("F57")
def test_nobody_else_can_look_into_what_judges(town: Town) -> None:
    town.converge(plan(OPEN))
    for folder, folders, _files in os.walk(BPF_FOLDER):
        for name in ("", *folders):
            assert os.stat(f"{folder}/{name}").st_mode & 0o077 == 0, f"{folder}/{name}"


def test_a_folder_that_somebody_else_made_there_is_refused(town: Town) -> None:
    """Where bpffs has the kernel's own defaults, everybody may."""
    mount()
    os.mkdir(BPF_FOLDER)
    os.chown(BPF_FOLDER, 65534, 65534)
    try:
        with pytest.raises(UndoneError, match="belongs to user 65534"):
            town.converge(plan(OPEN))
    finally:
        os.rmdir(BPF_FOLDER)
