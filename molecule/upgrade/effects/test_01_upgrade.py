"""Hosts that an earlier release built go on with this one: no packet is lost, nobody is renumbered, nothing stays."""

from __future__ import annotations

import json

import pytest

from lab import faults, hooks, matrix, tenants, traffic
from lab.unnoticed import Forbidden, in_sync, unnoticed

PAIR = ("runner1", "runner2")
FLOWS = (("app1", "app3"), ("app3", "app2"), ("trial1", "trial2"))
# What each link of ours is to the kernel, and to those who send to it.
LINKS = "ip -d -j link show group 30565; ip -d -j link show type wireguard"


def _identity(on, name):
    """Of a host's links: index, MAC address, VNI and addresses; and the keys of WireGuard."""
    links = [link for line in on(name, LINKS).splitlines() for link in json.loads(line) if link]
    addresses = {link["ifname"]: link["addr_info"] for link in json.loads(on(name, "ip -j address")) if link}
    seen = {
        link["ifname"]: (
            link["ifindex"],
            link.get("address"),
            link["linkinfo"].get("info_data", {}).get("id"),
            sorted(f"{found['local']}/{found['prefixlen']}" for found in addresses[link["ifname"]]),
        )
        for link in links
    }
    return seen, on(name, "if command -v wg >/dev/null; then wg show all public-key; wg show all allowed-ips; fi")


def _nothing_left_to_do(mine):
    again = mine.site("--diff")
    assert (again.code, again.busy(), again.diffs()) == (0, set(), {}), again.output


class _Upgraded:
    """The claims about any release; a subclass says which, and what flows there are."""

    members: tuple[str, ...]

    @pytest.fixture(scope="class")
    @classmethod
    def mine(cls, release):
        earlier = release(cls.name, cls.members)
        built = earlier.site()
        assert built.code == 0, built.output
        yield earlier.inventory
        for runner, container in cls.containers():
            traffic.remove_container(runner, container)
        left = earlier.inventory.play("teardown", "-e", "weft_forget_store=true")
        assert left.code == 0, left.output

    @pytest.mark.fault("F09")
    def test_no_packet_is_lost_and_nobody_gets_another_number(self, mine, on):
        flows, forbidden = self.flows()
        before, ids = {name: _identity(on, name) for name in self.members}, mine.ids()
        with unnoticed(flows, self.members, forbidden):
            run = mine.site()
            assert (run.code, run.busy()) == (0, set(self.members)), run.output
        assert {name: _identity(on, name) for name in self.members} == before
        assert mine.ids() == ids

    def test_a_second_run_has_nothing_to_do(self, mine):
        _nothing_left_to_do(mine)

    def test_hosts_say_who_changed_them(self, mine):
        for name in self.members:
            (entry,) = faults.history(name)
            assert (entry["result"], entry["number"]) == ("confirmed", 1)


class TestOverlay(_Upgraded):
    name, members = "overlay", ("hub", *PAIR)

    @staticmethod
    def containers():
        return [(runner, traffic.CONTAINER) for runner in PAIR]

    @staticmethod
    def flows():
        assert traffic.settled(PAIR) == []
        ends = [matrix.served(name, traffic.CONTAINER, traffic.address(name), ()) for name in PAIR]
        return {"there": (ends[0], ends[1].address), "back": (ends[1], ends[0].address)}, None


class TestPolicies(_Upgraded):
    """With the maps of an earlier layout under load (F09)."""

    name, members = "policies", tenants.POLICED

    @staticmethod
    def containers():
        return [(runner, name) for name, (runner, _address) in {**tenants.CONTAINERS, **tenants.TRIALS}.items()]

    @staticmethod
    def flows():
        found = tenants.parties({**tenants.CONTAINERS, **tenants.TRIALS})
        matrix.everybody_answers(found, tenants.PORTS)
        named = {party.name: party for party in found}
        flows = {f"{one} to {other}": (named[one], named[other].address) for one, other in FLOWS}
        return flows, Forbidden(named["web1"], named["web2"], "runner2")

    @pytest.mark.fault("F09")
    def test_maps_of_the_earlier_layout_are_gone(self, mine, on):
        for name in self.members:
            (found,) = (line for line in on(name, "ls /sys/fs/bpf/weft").split() if line.startswith("maps-"))
            assert found != "maps-3"
        assert len(json.loads(on("runner1", hooks.look("vxlan0")))) == 2


class TestNewer:
    """What only a later release reads is refused, before anything is touched."""

    @pytest.fixture(scope="class")
    @classmethod
    def mine(cls, release):
        found = release("overlay", ("hub", *PAIR)).inventory
        built = found.site()
        assert built.code == 0, built.output
        yield found
        left = found.play("teardown")
        assert left.code == 0, left.output

    def test_a_plan_that_is_applied(self, on, mine, untouched):
        refused = "! weft apply /tmp/later.json 2>&1"
        on("hub", 'sed \'s/^ "version": 1$/ "version": 2/\' /var/lib/weft/plan.json > /tmp/later.json')
        on("hub", refused)  # what Python compiles of a program that runs first is none of this
        touched = untouched("hub")
        said = on("hub", refused)
        assert "the plan has version 2, which is newer than this weft.overlay reads (1); install a newer" in said
        assert touched() == ""

    def test_a_host_that_has_one(self, on, mine, untouched):
        on("runner1", 'sed -i \'s/^ "version": 1$/ "version": 2/\' /var/lib/weft/plan.json')
        touched = untouched("hub", *PAIR)
        mine.overlay(port=4790)
        run = mine.site()
        assert (run.code != 0, run.busy()) == (True, set())
        assert "/var/lib/weft/plan.json: has version 2, which is newer than this weft.overlay reads (1)" in run.output
        assert touched() == ""
        on("runner1", 'sed -i \'s/^ "version": 2$/ "version": 1/\' /var/lib/weft/plan.json')
        mine.overlay()
        assert in_sync(("hub", *PAIR))

    @pytest.mark.parametrize(
        ("file", "was", "words"),
        [
            ("domain.yaml", "version: 1", "2 is newer than this weft.overlay reads (1); install a newer collection"),
            ("ledger.json", '"version": 1', "the ledger has version 2, which is newer than this weft.overlay reads"),
        ],
    )
    def test_what_the_controller_has(self, mine, untouched, file, was, words):
        touched = untouched("hub", *PAIR)
        with open(mine.path(file), encoding="utf-8") as text:
            before = text.read()
        assert was in before
        with open(mine.path(file), "w", encoding="utf-8") as text:
            text.write(before.replace(was, was.replace("1", "2")))
        run = mine.site()
        assert (run.code != 0, run.busy()) == (True, set())
        assert words in run.output
        assert touched() == ""
        with open(mine.path(file), "w", encoding="utf-8") as text:
            text.write(before)
