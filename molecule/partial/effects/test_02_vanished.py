"""What vanishes from the inventory by an oversight is not deleted (F30); where it is meant, it goes, and comes back."""

from __future__ import annotations

import os

import pytest

from lab import traffic

PAIR = ("runner1", "runner2")
HOSTS = ("hub", *PAIR)


def _lose_the_folder(inventory):
    os.rename(inventory.folder, inventory.folder + ".away")


def _empty_the_file(inventory):
    with open(inventory.path("hosts.yml"), "w", encoding="utf-8"):
        pass


def _lose_the_hub(inventory):
    inventory.drop("hub")


def _lose_the_intent(inventory):
    os.unlink(inventory.path("domain.yaml"))


LOSSES = {
    "the_folder": (_lose_the_folder, "Completely failed to parse inventory source"),
    "every_host": (_empty_the_file, "no hosts matched"),
    "the_hub": (_lose_the_hub, "there are runners but no hub; put one host into the group hubs"),
    "the_intent": (_lose_the_intent, "the intent cannot be read: No such file or directory"),
}


@pytest.mark.fault("F30")
@pytest.mark.parametrize("case", LOSSES)
def test_a_run_on_what_is_left_of_an_inventory_deletes_nothing(inventory, untouched, case):
    lose, words = LOSSES[case]
    touched = untouched(*HOSTS)
    lose(inventory)
    try:
        run = inventory.site()
    finally:
        if os.path.isdir(inventory.folder + ".away"):
            os.rename(inventory.folder + ".away", inventory.folder)
        inventory.put("hub")
        inventory.overlay()
    assert words in run.output, run.output
    assert touched() == ""
    assert inventory.site().busy() == set()


@pytest.mark.fault("F30")
def test_an_empty_group_of_runners_is_refused(inventory, untouched):
    inventory.drop(*PAIR)
    files, touched = inventory.files(), untouched(*HOSTS)
    run = inventory.site()
    assert run.code != 0
    assert "runner1, runner2" in run.output
    assert "weft_allow_empty=true" in run.output
    assert touched() == ""
    assert inventory.files() == files


@pytest.mark.fault("F30")
def test_a_lost_ledger_does_not_change_that(inventory, untouched):
    inventory.forget()
    touched = untouched(*HOSTS)
    run = inventory.site()
    assert run.code != 0
    assert "weft_allow_empty=true" in run.output
    assert touched() == ""


def test_where_it_is_meant_the_tunnels_go_and_the_hub_stays(inventory, on):
    run = inventory.site("-e", "weft_allow_empty=true")
    assert (run.code, run.changed) == (0, {"hub": 1}), run.output
    assert "vxkr" not in on("hub", "ip link")
    assert "10.0.0.1/8" in on("hub", "ip address show kohaku-host")
    assert "proto 119" not in on("hub", "ip route")


def test_runners_that_come_back_get_their_numbers(inventory):
    for runner in PAIR:
        inventory.put(runner)
    run = inventory.site()
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert inventory.ids() == {"runner1": 1, "runner2": 2}
    assert traffic.settled(PAIR) == []
