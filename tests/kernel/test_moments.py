# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What happens to a host in its life, after each of which `weft apply` finds nothing to do."""

from __future__ import annotations

import pytest

from tests.kernel import steps
from tests.kernel.conftest import Machine
from tests.kernel.look import planned
from tests.kernel.plans import UNDERLAY

PLACES = [("hub", name) for name in steps.moments(steps.HUB)] + [
    ("runner", name) for name in steps.moments(steps.RUNNER)
]
UNTOUCHED = steps.moments(steps.MOMENTS)


@pytest.mark.fault("F24")
@pytest.mark.parametrize(("name", "moment"), PLACES)
def test_nothing_is_left_to_do_after(request: pytest.FixtureRequest, name: str, moment: str) -> None:
    machine: Machine = request.getfixturevalue(name)
    if moment != steps.GREEDY:  # this one has its own test
        seen, wanted = machine.look(moment), planned(machine.plan, "")
        assert machine.said.any(moment).code == 0, machine.said.any(moment).err
        assert (seen.links, seen.addresses, seen.routes) == (wanted.links, wanted.addresses, wanted.routes)
    assert machine.said[f"{moment}: apply"].out == ""


@pytest.mark.parametrize("moment", UNTOUCHED)
def test_links_are_still_the_same_ones_after(machine: Machine, moment: str) -> None:
    assert machine.look(moment).numbers == machine.look("booted").numbers


def test_a_plan_of_nothing_removes_everything_of_ours(machine: Machine) -> None:
    seen = machine.look("emptied")
    assert (seen.links, seen.addresses, seen.routes) == ({}, set(), set())
    assert not seen.names & {link.name for link in machine.plan.links}
    assert "weft" not in machine.said["emptied: nft"].out.lower()


def test_a_network_file_that_matches_every_link_takes_our_addresses_and_one_run_brings_them_back(hub: Machine) -> None:
    """A fact about systemd-networkd: what it manages has only what its file says."""
    seen = hub.look(steps.GREEDY)
    assert seen.links == planned(hub.plan, "").links
    assert not seen.addresses & planned(hub.plan, "").addresses
    assert seen.routes == set()
    assert "+ address kohaku-host 10.0.0.1/8" in hub.said[f"{steps.GREEDY}: mended"].out


@pytest.mark.fault("F24")
def test_with_such_a_file_new_links_get_no_overlay_until_another_file_leaves_them_alone(hub: Machine) -> None:
    """Whether networkd is faster than the verification is chance: if it is, the run fails and undoes itself."""
    assert not hub.look(steps.AT_BOOT).addresses & planned(hub.plan, "").addresses
    said = hub.said.any(steps.AT_BOOT).err
    assert said == "" or "the host still differs" in said
    assert "+ address kohaku-host 10.0.0.1/8" in hub.said[f"{steps.SPARING}: change"].out


def test_firewalld_has_our_names_in_its_zone(hub: Machine, runner: Machine) -> None:
    permanent, runtime = (set(line.split()) for line in hub.said["zone"].out.splitlines())
    assert permanent == runtime == {"vxkr+"}
    permanent, runtime = (set(line.split()) for line in runner.said["zone"].out.splitlines())
    assert permanent == runtime == {"kohaku-overlay+", "vxlan0"}


def test_a_lost_rule_is_seen_and_put_back(machine: Machine) -> None:
    said = machine.said[f"{steps.CHAIN_LOST}: change"].out.splitlines()
    assert len(said) == 1
    assert said[0].startswith("~ ruleset ")


@pytest.mark.parametrize(
    ("moment", "lines"),
    [
        (steps.NFT_ALONE, {"+ ruleset nft", "- ruleset iptables-nft"}),
        (steps.FIREWALLD_STARTED, {"+ zone interface trusted vxlan0", "+ firewalld policy weft-overlay"}),
        (steps.FIREWALLD_STOPPED, {"+ ruleset iptables-nft", "- ruleset nft", "- zone interface trusted vxlan0"}),
    ],
)
def test_a_runner_follows_its_firewall(runner: Machine, moment: str, lines: set[str]) -> None:
    assert lines <= set(runner.said[f"{moment}: change"].out.splitlines())


def test_the_rules_are_really_there(hub: Machine, runner: Machine) -> None:
    """That there is nothing to do is read off the rules' comments; this is what stands before them."""
    runners = [UNDERLAY["runner1"], UNDERLAY["runner2"]]
    for machine, vnis, remotes in ((hub, (101, 102), runners), (runner, (101,), [UNDERLAY["hub"]])):
        table = machine.said["table"].out
        assert "udp dport 4789 @th,96,24" in table
        assert [f"{vni:#x}" for vni in vnis if f"{vni:#x}" not in table] == []
        assert [remote for remote in remotes if remote not in table] == []
        assert "iifgroup 30565" in table
    assert "-A FORWARD -m comment" in runner.said["saved"].out
