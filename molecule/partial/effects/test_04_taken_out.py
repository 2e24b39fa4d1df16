"""playbooks/remove_runner.yml: a runner goes, dead or alive; who works on it is not disturbed, nobody else touched."""

from __future__ import annotations

import pytest

from lab import machine, snapshot, traffic

PAIR = ("runner1", "runner2")
THREE = (*PAIR, "runner3")
TARGET = ("-e", "target=runner3")


@pytest.fixture(scope="module", autouse=True)
def bare(third, inventory):
    """What runner3 was before weft came."""
    found = snapshot.take_all(third)
    inventory.put(third)
    assert inventory.site().code == 0
    return found


@pytest.fixture
def three(inventory):
    """All stand, whatever the test before has done."""
    inventory.put("runner3")
    run = inventory.site()
    assert run.code == 0, run.output
    assert traffic.settled(THREE) == []
    return inventory


def remove(inventory, *options):
    return inventory.play("remove_runner", *TARGET, *options)


def summary(run):
    return run.task("Say what changed where")


def with_rules_only(taken):
    """The kernel keeps a table of iptables-legacy that was used once, empty, until its module is unloaded."""
    found = {host: dict(sections) for host, sections in taken.items()}
    for sections in found.values():
        lines = sections["iptables-legacy"].splitlines()
        kept = [line for line in lines if line.startswith("-") or (line.startswith(":") and " - " in line)]
        sections["iptables-legacy"] = "\n".join(kept)
    return found


def on_hub(on):
    """Whatever the hub may know of runner3."""
    return on("hub", "ip -br link; ip -4 route; nft list ruleset; cat /var/lib/weft/plan.json")


def test_while_containers_run_nobody_is_touched_and_they_go_on(three, untouched):
    files, touched = three.files(), untouched("hub", *THREE)
    run = remove(three)
    assert (run.code, run.busy()) == (2, set())
    words = "containers run in it: probe; stop them first (docker stop probe), or cut them off with -e weft_disconnect"
    assert f"runner3: Docker network kohakuriver-overlay: {words}=true" in summary(run)
    assert "refused: no host was touched" in summary(run)
    assert (touched(), three.files()) == ("", files)
    assert traffic.faults(THREE) == []


@pytest.mark.parametrize("limit", ["hub", "runner1"])
def test_that_is_so_too_where_the_run_is_limited_to_others(three, untouched, limit):
    touched = untouched("hub", *THREE)
    run = remove(three, "--limit", limit)
    assert (run.code, run.busy()) == (2, set())
    assert "containers run in it: probe" in summary(run)
    assert touched() == ""


def test_a_drained_runner_is_as_it_was_before_weft(three, on, untouched, bare, tunnels):
    traffic.remove_container("runner3")
    before, touched = tunnels(), untouched(*PAIR)
    foretold = remove(three, "--check")
    assert (foretold.code, foretold.busy(), tunnels()) == (0, {"hub", "runner3"}, before)
    run = remove(three)
    assert (run.code, run.busy()) == (0, {"hub", "runner3"}), run.output
    assert touched() == ""
    table = [line for line in summary(run).splitlines() if line.startswith(("hub ", "runner"))]
    assert table == [line for line in summary(foretold).splitlines() if line.startswith(("hub ", "runner"))]
    del before["vxkr3"]
    assert tunnels() == before
    assert "198.18.0.13" not in on_hub(on)
    assert "10.3.0." not in on_hub(on)
    assert snapshot.differences(with_rules_only(bare), with_rules_only(snapshot.take_all("runner3"))) == ""
    assert three.ids() == {"runner1": 1, "runner2": 2}
    assert traffic.settled(PAIR) == []


def test_a_second_time_nothing_changes_and_the_reader_is_told_what_is_left_to_them(inventory):
    run = remove(inventory)
    assert (run.code, run.busy()) == (0, set()), run.output
    assert "runner3  nothing of weft left" in summary(run)
    place = inventory.path("hosts.yml")
    assert f"next: take runner3 out of the inventory ({place}" in summary(run)
    inventory.drop("runner3")
    for gone in (remove(inventory), inventory.site()):
        assert (gone.code, gone.busy()) == (0, set()), gone.output
        assert "next: nothing is left to do" in gone.output


def test_with_its_line_still_there_it_is_taken_in_again_and_that_is_said(three):
    traffic.remove_container("runner3")
    assert remove(three).code == 0
    run = three.site()
    assert (run.code, run.busy()) == (0, {"hub", "runner3"}), run.output
    line = f"take out its line ({three.path('hosts.yml')}"
    assert "note: runner3 had left, and is taken in again with its id 3, for the inventory has it" in run.output
    assert line in run.output
    assert traffic.settled(THREE) == []


@pytest.mark.fault("F29")
def test_a_dead_runner_goes_without_being_reached(three, on, untouched, without_power, tunnels):
    before = tunnels()
    with without_power("runner3"):
        touched = untouched(*PAIR)
        run = remove(three)
        assert (run.code, run.busy()) == (0, {"hub"}), run.output
        assert (touched(), run.failed["runner3"], run.unreachable["runner3"]) == ("", 0, 0)
        assert (
            "not reached: runner3 (it is out of the overlay; if it runs somewhere, teardown.yml takes weft off it)"
            in (summary(run))
        )
        del before["vxkr3"]
        assert tunnels() == before
        assert "198.18.0.13" not in on_hub(on)
        assert three.ids() == {"runner1": 1, "runner2": 2}
        assert traffic.settled(PAIR) == []
        again = remove(three)
        assert (again.code, again.busy()) == (0, set()), again.output


def test_containers_are_cut_off_where_that_is_meant_and_run_on(three):
    run = remove(three, "-e", "weft_disconnect=true")
    assert (run.code, run.busy()) == (0, {"hub", "runner3"}), run.output
    running = traffic.must("runner3", "docker", "ps", "--format", "{{.Names}}").split()
    assert running == ["probe"]
    assert "kohakuriver-overlay" not in traffic.must("runner3", "docker", "network", "ls")
    traffic.remove_container("runner3")


def test_limited_to_the_hub_the_runner_is_left_for_later_and_that_is_said(three, on, untouched):
    traffic.remove_container("runner3")
    touched = untouched(*THREE)
    run = remove(three, "--limit", "hub")
    assert (run.code, run.busy()) == (0, {"hub"}), run.output
    assert (touched(), "vxkr3" in on("hub", "ip -br link")) == ("", False)
    assert "not in this run: runner1, runner2, runner3" in summary(run)
    assert f"ansible-playbook playbooks/remove_runner.yml -i {three.folder} -e target=runner3" in summary(run)
    rest = remove(three)
    assert (rest.code, rest.busy()) == (0, {"runner3"}), rest.output


def test_a_runner_whose_python_is_broken_is_not_taken_for_dead(three, on, untouched):
    touched = untouched("hub", *PAIR)
    on("runner3", "mv /usr/bin/python3 /usr/bin/python3.away")
    try:
        run = remove(three)
    finally:
        on("runner3", "mv /usr/bin/python3.away /usr/bin/python3")
    assert run.code != 0
    assert "runner3: answers, but could not be looked at" in summary(run)
    assert touched() == ""


@pytest.mark.parametrize(("name", "words"), [("hub", "hub: is no runner"), ("runner9", "runner9: is no runner")])
def test_who_is_no_runner_is_not_taken_out(inventory, untouched, name, words):
    touched = untouched("hub", *THREE)
    run = inventory.play("remove_runner", "-e", f"target={name}")
    assert run.code != 0
    assert words in summary(run)
    assert touched() == ""


def test_somebody_has_to_be_meant(inventory):
    run = inventory.play("remove_runner")
    assert run.code != 0
    assert "Say which runner: -e target=<runner>" in run.output
    assert machine.execute("hub", "ip", "link", "show", "vxkr1").returncode == 0
