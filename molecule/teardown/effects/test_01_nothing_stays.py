"""A host that weft leaves is as it was, byte for byte; what is in the way is said; who is not reached comes later."""

from __future__ import annotations

import pytest

from lab import host as hosts
from lab import machine, matrix, snapshot, tenants, traffic, whole
from lab.shell import wait_until

ALL_GOES = ("-e", "weft_forget_store=true")


@pytest.fixture(scope="module")
def mine():
    return tenants.inventory()


@pytest.fixture(scope="module", autouse=True)
def before(mine):
    """Of every host, before weft first touched it."""
    taken = whole.take_all(*tenants.MEMBERS)
    built(mine)
    return taken


def built(mine):
    run = mine.site()
    assert run.code == 0, run.output
    return run


def left(mine, *options):
    run = mine.play("teardown", *options)
    assert run.code == 0, run.output
    return run


def summary(run):
    return run.task("Say what went where")


def remove_containers():
    for name, (runner, _address) in tenants.CONTAINERS.items():
        traffic.remove_container(runner, name)


def test_check_mode_touches_nothing_and_says_what_is_then_done(mine, untouched):
    touched = untouched(*tenants.MEMBERS)
    foretold = left(mine, "--check", *ALL_GOES)
    assert touched() == ""
    assert foretold.busy() == set(tenants.MEMBERS)
    done = left(mine, *ALL_GOES)
    assert summary(done) == summary(foretold)


def test_everything_is_as_it_was_before_site_yml(before):
    assert snapshot.differences(before, whole.take_all(*tenants.MEMBERS)) == ""


def test_a_second_time_nothing_changes(mine):
    again = left(mine, *ALL_GOES)
    assert again.busy() == set()
    assert summary(again).count("nothing of weft left") == len(tenants.MEMBERS)


@pytest.mark.parametrize("name", ["hub", "runner1", "runner2", "router", "nas1"])
def test_a_boot_brings_nothing_back(before, name):
    machine.reboot(hosts.load(name))
    wait_until("systemd", lambda: machine.execute(name, "systemctl", "is-system-running", "--wait").stdout != "", 60)
    after = whole.take(name)
    sections = ("units", "failed", "bpffs", "every file", "wireguard", "processes")
    assert {section: after[section] for section in sections} == {section: before[name][section] for section in sections}
    assert "weft" not in after["nftables"] + after["links"]


class TestInTheWay:
    """Containers on a runner; the others are not held up by it."""

    @pytest.fixture(scope="class", autouse=True)
    def _busy(self, mine):
        built(mine)
        tenants.parties()
        yield
        remove_containers()

    def test_a_runner_with_containers_is_not_touched_and_they_are_named(self, mine, untouched):
        touched = untouched("runner1")
        run = mine.play("teardown", "--limit", "runner1")
        assert run.failed == {"runner1": 1}
        assert "containers run in it: app1 db1 web1; stop them first (docker stop app1 db1 web1)" in run.output
        assert touched() == ""

    def test_the_others_are_not_touched(self, mine, untouched):
        touched = untouched("hub", "runner2", "runner3", "router", "nas1")
        left(mine, "--limit", "runner1", "-e", "weft_disconnect=true")
        assert touched() == ""
        assert traffic.must("runner1", "docker", "ps", "--format", "{{.Names}}").split().count("web1") == 1
        assert "kohakuriver-overlay" not in traffic.must("runner1", "docker", "network", "ls")

    def test_who_is_not_reached_is_told_and_done_by_the_next_one(self, mine):
        machine.stop(hosts.load("runner3"))
        remove_containers()
        run = mine.play("teardown")
        assert run.unreachable["runner3"] == 1
        assert "not reached: runner3 (no change there lasts)" in run.output
        machine.start(hosts.load("runner3"))
        wait_until("runner3 to be built by its boot", lambda: "weft_overlay" in _rules("runner3"), 60)
        assert left(mine).busy() == {"runner3"}


def _rules(name):
    return machine.execute(name, "sh", "-c", "iptables-legacy-save; nft list ruleset").stdout.replace(
        "WEFT-", "weft_overlay"
    )


class TestData:
    def test_by_default_a_store_stays_and_secrets_go(self, mine, on):
        built(mine)
        run = left(mine)
        assert "nas1: kept: the store: intent, ledger and files of clients (/srv/weft)" in summary(run)
        assert "router: goes for good: configurations, with private keys, of anna, bert, carl, dora" in summary(run)
        assert "router: goes for good: private keys of wg0" in summary(run)
        assert on("nas1", "ls /srv/weft/generations") != ""
        assert on("router", "ls -A /var/lib").split().count("weft") == 0

    def test_what_is_kept_is_used_again(self, mine, on):
        built(mine)
        was = on("router", "cat /var/lib/weft/keys/wg0/private.pub")
        left(mine, "-e", "weft_keep_keys=true")
        assert on("router", "cat /var/lib/weft/keys/wg0/private.pub") == was
        built(mine)
        assert on("router", "wg show wg0 public-key") == was


def test_it_is_all_built_again(mine, on):
    left(mine, *ALL_GOES)
    built(mine)
    containers = tenants.parties()
    matrix.everybody_answers(containers, tenants.PORTS)
    reached = {tuple(probe) for probe in matrix.reached(containers, tenants.PORTS)}
    assert ("web1", "app2", matrix.TCP, 80) in reached
    assert ("web1", "db2", matrix.TCP, 80) not in reached
    assert on("hub", "systemctl is-active weft-overlay weft-audit").split() == ["active", "active"]
    remove_containers()
