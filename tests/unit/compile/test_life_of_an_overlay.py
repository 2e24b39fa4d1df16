# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runner ids over the life of an overlay, judged by somebody who only keeps a list of who had what.

Runners come, go and move, hubs and ledgers are lost, runs are limited; after every step the whole of it is compiled
and, as far as the run reached, carried out.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import Run, compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Host, Inventory, read
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.link import VXLAN
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink

# Room for 7 runners, so that it runs out.
LIMIT = 7
INTENT = parse("version: 1\noverlay: {cidr: 10.0.0.0/13}", "domain.yaml")
NAMES = "abcdefghi"
HUB = "192.0.2.250"

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("arrive", "leave", "move", "hub lost", "ledger lost")), st.sampled_from(NAMES), st.booleans()
    ),
    max_size=25,
)


class Overlay:
    """The world: who is in the inventory, what stands on the hosts, what the ledger says."""

    def __init__(self):
        self.runners = {}
        self.hub = ()
        self.own = {}
        self.ledger = ledgers.EMPTY
        self.next_address = 0

    def fresh_address(self):
        self.next_address += 1
        return f"192.0.2.{self.next_address}"

    def facts(self, reached):
        def said(address, tunnels):
            return Facts(
                Capabilities(True, "none", True), Foreign(uplinks=(Uplink(f"{address}/24", "eth0", 1500),)), tunnels
            )

        answers = {name: said(self.runners[name], self.own.get(name, ())) for name in self.runners if name in reached}
        return {**answers, "hub": said(HUB, self.hub)} if "hub" in reached else answers

    def run(self, reached):
        """Compile for everybody, converge those reached. Returns {runner: id}, or None when it was refused."""
        inventory = Inventory(Host("hub", HUB), tuple(Host(name, self.runners[name]) for name in sorted(self.runners)))
        compiled = compile_domain(INTENT, inventory, self.ledger, Run(self.facts(reached), allow_empty=True))
        if compiled.faults:
            return None
        self.ledger = ledgers.from_json(ledgers.to_json(compiled.ledger), "ledger.json")
        tunnels = {
            host: tuple(link for link in plan.links if link.kind == VXLAN) for host, plan in compiled.plans.items()
        }
        if "hub" in reached:
            self.hub = tunnels["hub"]
        self.own.update({name: tunnels[name] for name in self.runners if name in reached})
        return {name: entry.runner_id for name, entry in compiled.ledger.hosts.items() if name != "hub"}


class Witness:
    """Plain bookkeeping: who has which id, and which rest since when."""

    def __init__(self):
        self.ids = {}
        self.resting = []

    def expect(self, runners):
        """What the ids must be now, or None where there are too many runners."""
        left = sorted((number, name) for name, number in self.ids.items() if name not in runners)
        resting = self.resting + left
        ids = {name: number for name, number in self.ids.items() if name in runners}
        for name in sorted(set(runners) - set(ids)):
            had = [number for number, host in resting if host == name]
            if had:
                ids[name] = had[-1]
                resting = [item for item in resting if item[0] != had[-1]]
        for name in sorted(set(runners) - set(ids)):
            unused = sorted(set(range(1, LIMIT + 1)) - set(ids.values()) - {number for number, _host in resting})
            if unused:
                ids[name] = unused[0]
            elif resting:
                ids[name] = resting.pop(0)[0]
            else:
                return None
        return ids, resting

    def forget(self, living):
        """Without a ledger, what rests is only known where the hub still has the tunnel."""
        self.resting = sorted(item for item in self.resting if item[0] in living)


def step(world, witness, what, name):
    if what == "arrive":
        world.runners.setdefault(name, world.fresh_address())
    elif what == "leave":
        # The machine with it, so it cannot say later which id it once had.
        world.runners.pop(name, None)
        world.own.pop(name, None)
    elif what == "move" and name in world.runners:
        world.runners[name] = world.fresh_address()
    elif what == "hub lost":
        world.hub = ()
    elif what == "ledger lost":
        world.ledger = ledgers.EMPTY
        witness.forget({int(link.name[len("vxkr") :]) for link in world.hub})


def newcomers(world, witness):
    """Runners that nobody remembers: a run that does not ask the hub must not give them an id."""
    return set(world.runners) - set(witness.ids) - {host for _number, host in witness.resting}


@pytest.mark.fault("F17", "F18", "F28")
@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_nobody_is_renumbered_and_no_id_has_two_owners(steps):
    world, witness = Overlay(), Witness()
    for what, name, limit in steps:
        before = dict(world.runners)
        step(world, witness, what, name)
        # A loss comes alone: whatever was lost is mended before anything else happens.
        limited = limit and what not in ("hub lost", "ledger lost")
        found = world.run({name} if limited else {"hub", *world.runners})
        expected = witness.expect(world.runners)
        if expected is None or (limited and newcomers(world, witness)):
            assert found is None
            world.runners = before
            continue
        assert found == expected[0]
        assert len(set(found.values())) == len(found)
        witness.ids, witness.resting = expected


@pytest.mark.fault("F35")
@settings(max_examples=50, deadline=None)
@given(STEPS, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_changes_nothing(steps, random):
    world, witness = Overlay(), Witness()
    for what, name, _limited in steps:
        step(world, witness, what, name)
        world.run({"hub", *world.runners})
    names = {host: {"underlay_address": address} for host, address in world.runners.items()}
    facts = world.facts({"hub", *world.runners})
    texts = set()
    for _repeat in range(3):
        inventory, _faults = read({"hub": {"underlay_address": HUB}}, shuffled(random, names))
        ledger = world.ledger._replace(hosts=shuffled(random, world.ledger.hosts))
        tunnels = tuple(shuffled(random, dict(enumerate(facts["hub"].tunnels))).values())
        said = shuffled(random, {**facts, "hub": facts["hub"]._replace(tunnels=tunnels)})
        compiled = compile_domain(INTENT, inventory, ledger, Run(said, allow_empty=True))
        plans = [to_json(plan) for plan in compiled.plans.values()]
        texts.add((*plans, ledgers.to_json(compiled.ledger), *map(str, compiled.faults)))
    assert len(texts) == 1


def shuffled(random, values):
    return dict(random.sample(list(values.items()), len(values)))
