"""Whatever keeps the controller from coming back: the host goes back by itself, and says so."""

from __future__ import annotations

import json

import pytest

from lab import faults, machine, traffic
from lab import host as hosts
from lab.shell import wait_until

PAIR = ("runner1", "runner2")
# The hub, where both runners hang; and one of them.
HOSTS = ("hub", "runner1")
SECONDS = 8


@pytest.fixture
def other_port(inventory):
    """The intent wants tunnels on another port; afterwards it is the old one again, and holds."""
    inventory.overlay(port=4790)
    yield inventory
    inventory.overlay()
    run = inventory.site()
    assert run.code == 0, run.output
    assert traffic.settled(PAIR) == []


def _ports(on, name):
    """Of each tunnel there. ip tells of a link that it filters out as an empty object."""
    links = json.loads(on(name, "ip -d -j link show type vxlan"))
    return {link["ifname"]: link["linkinfo"]["info_data"]["port"] for link in links if link}


def _nothing_waits_for_a_boot(on, name):
    """The unit that ran at this boot may not quite have ended."""
    say = "ls /etc/systemd/system /etc/systemd/system/multi-user.target.wants; systemctl list-units --all"
    wait_until(f"weft-rollback to be gone on {name}", lambda: "rollback" not in on(name, say), 10)


@pytest.mark.fault("F11")
@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_cuts_its_controller_off_goes_back(other_port, on, name):
    """ssh is closed in the instant in which the change is done; what could open it again is only the host itself."""
    before = _ports(on, name)
    with faults.when(name, faults.APPLIED, faults.CUT, f"sleep {SECONDS + 4}", faults.MEND):
        run = other_port.site("-e", f"weft_confirm_seconds={SECONDS}")
    assert run.code != 0
    assert run.failed[name] == 1, run.output
    assert "it was rolled back, for nobody confirmed it in 8 s" in run.output
    assert _ports(on, name) == before
    last = faults.history(name)[0]
    assert (last["result"], last["why"]) == ("rolled back", "nobody confirmed it in 8 s")
    assert f"change {last['number']} by " in on(name, "journalctl -t weft --no-pager -o cat")
    _nothing_waits_for_a_boot(on, name)


def test_the_next_run_says_so_and_brings_it_through(other_port, on):
    with faults.when("hub", faults.APPLIED, faults.CUT, f"sleep {SECONDS + 4}", faults.MEND):
        assert other_port.site("-e", f"weft_confirm_seconds={SECONDS}").code != 0
    run = other_port.site()
    assert run.code == 0, run.output
    assert "note: hub: change " in run.output
    assert "was rolled back: nobody confirmed it in 8 s" in run.output
    assert set(_ports(on, "hub").values()) == {4790}
    again = other_port.site()
    assert (again.code, again.busy()) == (0, set())
    assert "rolled back" not in again.output


@pytest.mark.fault("F11")
def test_a_controller_that_is_killed_confirms_nothing(other_port, on):
    before = _ports(on, "hub")
    with faults.killed(other_port.folder, "hub", SECONDS, faults.CUT, "sleep 3", faults.MEND):
        assert set(_ports(on, "hub").values()) == {4790}
    faults.until_decided("hub", SECONDS + 5)
    assert _ports(on, "hub") == before
    assert faults.history("hub")[0]["result"] == "rolled back"


def test_who_was_killed_comes_again_before_the_time_is_over(other_port, on):
    with faults.killed(other_port.folder, "hub", 60, faults.CUT, "sleep 2", faults.MEND):
        pass
    again = other_port.site("-e", "awx_user_name=anna", "--limit", "hub")
    assert again.code == 0, again.output
    assert [entry["result"] for entry in faults.history("hub")[:2]] == ["confirmed", "interrupted"]
    assert set(_ports(on, "hub").values()) == {4790}
    faults.pause(2)
    assert faults.pending("hub") is None


@pytest.mark.fault("F04")
@pytest.mark.parametrize("name", HOSTS)
def test_a_change_that_is_killed_half_way_heals_by_itself(other_port, on, name):
    before = _ports(on, name)
    with faults.when(name, faults.APPLYING, faults.KILL):
        run = other_port.site("-e", f"weft_confirm_seconds={SECONDS}", "--limit", name)
    assert run.code != 0, run.output
    faults.until_decided(name, SECONDS + 35)
    assert _ports(on, name) == before
    assert traffic.settled(PAIR) == []


@pytest.mark.fault("F04")
def test_a_change_that_is_killed_half_way_is_gone_on_with_by_the_next_run(other_port, on):
    with faults.when("hub", faults.APPLYING, faults.KILL):
        assert other_port.site("--limit", "hub").code != 0
    run = other_port.site()
    assert run.code == 0, run.output
    assert set(_ports(on, "hub").values()) == {4790}
    assert faults.history("hub")[0]["result"] == "confirmed"


@pytest.mark.fault("F13")
@pytest.mark.parametrize("hard", [False, True], ids=["reboot", "power cut"])
@pytest.mark.parametrize("name", HOSTS)
def test_a_boot_before_the_confirmation_boots_the_last_confirmed_plan(other_port, on, name, hard):
    before = _ports(on, name)
    with faults.killed(other_port.folder, name, 600, faults.CUT):
        pass
    machine.reboot(hosts.load(name), hard=hard)
    faults.until_decided(name, 30)
    assert _ports(on, name) == before
    assert faults.history(name)[0]["why"] == "this host was booted before it was confirmed"
    _nothing_waits_for_a_boot(on, name)
    assert traffic.settled(PAIR) == []
