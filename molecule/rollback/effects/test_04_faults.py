"""A disk that is really full, a link that somebody removes in the middle, and what is told while a change waits."""

from __future__ import annotations

import json

import pytest

from lab import faults, traffic

PAIR = ("runner1", "runner2")
NAME = "runner1"
FULL = "No space left on device"


@pytest.fixture
def other_port(inventory):
    """The intent wants tunnels on another port; afterwards it is the old one again, and holds."""
    inventory.overlay(port=4790)
    yield inventory
    inventory.overlay()
    run = inventory.site()
    assert run.code == 0, run.output
    assert traffic.settled(PAIR) == []


@pytest.fixture
def small_disk(on):
    on(NAME, faults.SMALL)
    yield
    on(NAME, faults.LARGE)


def _port(on):
    return json.loads(on(NAME, "ip -d -j link show dev vxlan0"))[0]["linkinfo"]["info_data"]["port"]


def _left_over(on):
    """What a write that did not come to its end leaves, and a change that did not either."""
    look = "ls -A /var/lib/weft /etc/systemd/system /etc/systemd/system/multi-user.target.wants; systemctl list-timers"
    return [line for line in on(NAME, look).splitlines() if ".new" in line or "rollback" in line or "pending" in line]


@pytest.mark.fault("F05")
def test_a_host_whose_disk_is_full_is_not_touched_and_says_so(other_port, small_disk, untouched, on):
    on(NAME, faults.FILL)
    before = untouched(NAME)
    run = other_port.site("--limit", NAME)
    assert run.failed[NAME] == 1, run.output
    assert f"/var/lib/weft/pending.json: {FULL}" in run.output
    assert before() == ""
    assert _left_over(on) == []
    assert traffic.settled(PAIR) == []
    on(NAME, faults.ROOM)
    again = other_port.site()
    assert again.code == 0, again.output
    assert _port(on) == 4790
    assert traffic.settled(PAIR) == []


@pytest.mark.fault("F05")
def test_a_disk_that_gets_full_in_the_middle_of_a_change_is_waited_for(other_port, small_disk, on):
    """The change goes back; what cannot be written down is, as soon as there is room."""
    before = _port(on)
    with faults.when(NAME, faults.APPLYING, faults.FILL):
        run = other_port.site("-e", "weft_confirm_seconds=8", "--limit", NAME)
    assert run.failed[NAME] == 1, run.output
    assert FULL in run.output
    on(NAME, faults.ROOM)
    # An attempt, and the next one after that.
    faults.until_decided(NAME, 8 + 35)
    assert _port(on) == before
    assert traffic.settled(PAIR) == []
    assert _left_over(on) == []
    again = other_port.site()
    assert again.code == 0, again.output
    assert _port(on) == 4790
    assert faults.history(NAME)[0]["result"] == "confirmed"


@pytest.mark.fault("F05")
def test_a_tunnel_that_somebody_removes_in_the_middle_of_a_change_is_there_after_the_next_run(other_port, on):
    remove = "until ip link delete vxlan0; do sleep 0.001; done 2>/dev/null"
    with faults.when(NAME, faults.APPLYING, remove):
        # It depends on the instant whether the change makes it again by itself.
        other_port.site("-e", "weft_confirm_seconds=8")
    faults.until_decided(NAME, 8 + 35)
    again = other_port.site()
    assert again.code == 0, again.output
    assert _port(on) == 4790
    assert traffic.settled(PAIR) == []
    third = other_port.site()
    assert (third.code, third.busy()) == (0, set())


def test_who_has_not_confirmed_is_told_to_everybody_who_asks(other_port, on):
    with faults.killed(other_port.folder, "hub", 40, faults.CUT, "sleep 2", faults.MEND):
        pass
    number = faults.pending("hub")["number"]
    run = other_port.play("status", "--skip-tags", "weft_probes")
    said = [line for line in run.output.splitlines() if f"hub: change {number} by anna@" in line]
    assert len(said) == 1, run.output
    assert "waits for its confirmation: since " in said[0]
    told = json.loads(on("hub", "weft status --json || true"))
    assert (told["pending"]["number"], told["pending"]["applied"]) == (number, True)
    assert 0 < told["pending"]["ends"] - told["now"] <= 40
    assert told["pending"]["ends"] - told["pending"]["since"] == 40
    assert "weft_change_pending 1" in on("hub", "weft status --metrics || true")
    faults.until_decided("hub", 45)
    assert f"change {number} by anna@" in on("hub", "weft status || true")
    told = json.loads(on("hub", "weft status --json || true"))
    assert (told["pending"], told["rolled_back"]["number"]) == (None, number)
    run = other_port.play("status", "--skip-tags", "weft_probes")
    assert f"hub: change {number} by anna@" in run.output
    assert "was rolled back" in run.output
