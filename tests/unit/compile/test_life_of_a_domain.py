# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Clients over the life of a domain, judged by somebody who only keeps a list of who had what.

Clients come and go, are renewed, and use their new keys; the server or the ledger is lost, runs do not reach the
server. After every step the whole of it is compiled and, where the server was reached, carried out.
"""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Inventory
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import UNMADE, Keys

INTENT = parse(
    """\
version: 1
servers: {router1: {role: router, management: {ipv4: 192.0.2.1}}}
interfaces:
  wg0:
    server: router1
    endpoint: {host: vpn.example.net, port: 51820}
    subnets: {ipv4: 10.8.0.0/29, ipv6: "fd00:8::/64"}
    internet: true
profiles: {away: {internet: true}, all: {internet: true, clients: true, tunnel: full}}
bindings: {wg0: [away, all]}
clients: {sample: {interface: wg0, profile: away}}
""",
    "domain.yaml",
)
SAMPLE = INTENT.clients["sample"]
# Room for five in IPv4, so that it runs out.
LIMIT = 5
NAMES = "abcdefg"
INVENTORY = Inventory(None, (), ("router1",))
# What a server lost, it makes anew here.
SERVERS = frozenset(INVENTORY.routers)

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "add", "remove", "renew", "use", "expire", "server lost", "ledger lost")),
        st.sampled_from(NAMES),
        st.booleans(),
    ),
    max_size=25,
)


def key(number):
    return b64encode(number.to_bytes(32, "little")).decode()


class Domain:
    """The world: what the intent says, what the server has, what the ledger remembers."""

    def __init__(self):
        self.clients = {}
        self.own = None
        self.files = {}
        self.peers = ()
        self.shaken = set()
        self.ledger = ledgers.EMPTY
        self.plan = None
        self.made = 0

    def another_key(self):
        self.made += 1
        return key(self.made)

    def intent(self):
        return INTENT._replace(clients=dict(sorted(self.clients.items())))

    def facts(self):
        links = (("wg0", self.own),) if self.own else ()
        return Facts(
            Capabilities(True, "none"),
            Foreign(uplinks=(Uplink("192.0.2.1/24", "eth0", 1500),)),
            keys=Keys(links=links, clients=tuple(sorted(self.files.items()))),
            peers=self.peers,
            shaken=tuple(sorted(self.shaken)),
        )

    def compile(self, facts):
        return compile_domain(self.intent(), INVENTORY, self.ledger, Run(facts, allow_empty=True, new_keys=SERVERS))

    def run(self, reached):
        """Compile, make keys, compile again, converge. None when it was refused."""
        compiled = self.compile({"router1": self.facts()} if reached else {})
        for wanted in compiled.keys_wanted.values():
            self.own = self.another_key() if wanted.links else self.own
            self.files.update({name: self.another_key() for name in wanted.clients})
        if compiled.keys_wanted and not compiled.faults:
            self.ledger = ledgers.from_json(ledgers.to_json(compiled.ledger), "ledger.json")
            compiled = self.compile({"router1": self.facts()})
        if compiled.faults:
            return None
        assert not compiled.keys_wanted
        self.ledger = ledgers.from_json(ledgers.to_json(compiled.ledger), "ledger.json")
        plan = compiled.plans["router1"]
        if reached:
            self.peers = plan.peers
            # Files of clients that are no more are removed with their keys.
            self.files = {name: held for name, held in self.files.items() if name in self.clients}
            self.shaken &= {found for peer in plan.peers for found in (peer.public_key, peer.successor)}
            self.plan = plan
        return plan


class Witness:
    """Plain bookkeeping of numbers: who has which, and which rest since when."""

    def __init__(self):
        self.numbers = {}
        self.resting = []

    def expect(self, clients):
        """What the numbers must be now, or None where there are too many clients."""
        left = sorted((number, name) for name, number in self.numbers.items() if name not in clients)
        resting = self.resting + left
        numbers = {name: number for name, number in self.numbers.items() if name in clients}
        for name in sorted(set(clients) - set(numbers)):
            had = [number for number, client in resting if client == name]
            if had:
                numbers[name] = had[-1]
                resting = [item for item in resting if item[0] != had[-1]]
        for name in sorted(set(clients) - set(numbers)):
            unused = sorted(set(range(2, LIMIT + 2)) - set(numbers.values()) - {number for number, _name in resting})
            if not unused and not resting:
                return None
            numbers[name] = unused[0] if unused else resting.pop(0)[0]
        return numbers, resting


def step(domain, witness, what, name):
    if what == "add":
        domain.clients.setdefault(name, SAMPLE._replace(profile="all" if name in "abc" else "away"))
    elif what == "remove":
        domain.clients.pop(name, None)
    elif what == "expire" and name in domain.clients:
        domain.clients[name] = domain.clients[name]._replace(expires=1900000000)
    elif what == "renew" and name in domain.files:
        domain.files[name] = domain.another_key()
    elif what == "use" and name in domain.files:
        domain.shaken.add(domain.files[name])
    elif what == "server lost":
        domain.own, domain.files, domain.peers, domain.shaken = None, {}, (), set()
    elif what == "ledger lost":
        domain.ledger = ledgers.EMPTY
        # What rests is known to nobody else, but for clients that the server was not told of yet: it has them still.
        told = {peer.name for peer in domain.peers}
        witness.resting = [item for item in witness.resting if item[1] in told]


def entries(plan, name):
    """Everything that a plan says of one client."""
    if plan is None:
        return None
    (access,) = plan.accesses
    addresses = {config.name: config.addresses for config in plan.clients}.get(name, ())
    reach = [reach._replace(clients=()) for reach in access.reaches if {*addresses} & {*map(prefix, reach.clients)}]
    return (
        [peer for peer in plan.peers if peer.name == name],
        [config for config in plan.clients if config.name == name],
        reach,
    )


def prefix(address):
    return str(ip_network(address))


def judge(domain, plan, numbers):
    assert {peer.name: peer.allowed_ips for peer in plan.peers} == {
        name: (f"10.8.0.{number}/32", f"fd00:8::{number:x}/128") for name, number in numbers.items()
    }
    assert UNMADE not in to_json(plan)
    keys = [peer.public_key for peer in plan.peers] + [peer.successor for peer in plan.peers if peer.successor]
    assert len(set(keys)) == len(keys)
    for peer in plan.peers:
        (config,) = (config for config in plan.clients if config.name == peer.name)
        assert config.public_key == domain.files[peer.name] == (peer.successor or peer.public_key)


@pytest.mark.fault("F28")
@settings(max_examples=200)
@given(STEPS)
def test_nobody_is_touched_by_what_happens_to_somebody_else(steps):
    domain, witness, touched = Domain(), Witness(), set()
    for what, name, limited in steps:
        clients, before = dict(domain.clients), domain.plan
        step(domain, witness, what, name)
        expected = witness.expect(domain.clients)
        # A loss comes alone, and is mended before anything else happens; nothing new can be made without the server.
        lost = what in ("server lost", "ledger lost")
        reached = lost or not limited
        new = set(domain.clients) - set(witness.numbers)
        plan = domain.run(reached)
        if expected is None or (new and not reached):
            assert plan is None
            domain.clients = clients
            continue
        witness.numbers, witness.resting = expected
        touched.add(name)
        if reached:
            judge(domain, plan, expected[0])
            others = sorted(set(domain.clients) - touched) if not lost and before is not None else []
            assert [entries(plan, other) for other in others] == [entries(before, other) for other in others]
            touched = set()


@pytest.mark.fault("F35")
@settings(max_examples=60)
@given(STEPS, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_listed_changes_nothing(steps, random):
    domain, witness = Domain(), Witness()
    for what, name, _limited in steps:
        step(domain, witness, what, name)
        if domain.run(reached=True) is None:
            domain.clients.pop(name)
    texts = set()
    for _repeat in range(3):
        intent = INTENT._replace(clients=shuffled(random, domain.clients))
        known = domain.ledger.interfaces.get("wg0", ledgers.LinkEntry())
        remembered = known._replace(clients=shuffled(random, known.clients))
        ledger = domain.ledger._replace(interfaces={"wg0": remembered})
        facts = domain.facts()
        facts = facts._replace(peers=tuple(random.sample(facts.peers, len(facts.peers))))
        run = Run({"router1": facts}, allow_empty=True, new_keys=SERVERS)
        compiled = compile_domain(intent, INVENTORY, ledger, run)
        plans = [to_json(plan) for plan in compiled.plans.values()]
        texts.add((*plans, ledgers.to_json(compiled.ledger), *map(str, compiled.faults), str(compiled.keys_wanted)))
    assert len(texts) == 1


def shuffled(random, values):
    return dict(random.sample(list(values.items()), len(values)))
