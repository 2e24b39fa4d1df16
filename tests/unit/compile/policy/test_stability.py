# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The same intent gives the same bytes, and a change of one rule touches what that rule is about."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy import ledger as policy_ledger
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.port import Port
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import EVERY_NETWORK, PEER, WORLD
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json
from tests.unit.compile.policy.reference import Reference
from tests.unit.compile.policy.tenancies import domains
from tests.unit.compile.policy.test_meaning import FEW


def compiled(domain, ledger=EMPTY):
    found = compile_policy(domain.tenancy, domain.places, ledger)
    assert found.faults == ()
    return found


def spelled(found):
    return to_json(found.maps), str(policy_ledger.document(found.ledger)), found.notes


def shuffled(value, choose):
    """The same value with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = choose.sample(list(value), len(value))
        return {key: shuffled(value[key], choose) for key in keys}
    if hasattr(value, "_fields"):
        return value._replace(**{name: shuffled(inner, choose) for name, inner in value._asdict().items()})
    if isinstance(value, tuple):
        return tuple(shuffled(inner, choose) for inner in value)
    return value


@pytest.mark.fault("F35")
@settings(FEW, max_examples=200)
@given(domains(), domains(), st.integers())
def test_the_order_of_keys_changes_no_byte(domain, before, seed):
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    ledger = compiled(before).ledger
    first = compiled(domain, ledger)
    again = compiled(shuffled(domain, choose), shuffled(ledger, choose))
    assert spelled(again) == spelled(first)


@settings(FEW, max_examples=200)
@given(domains())
def test_compiled_again_with_what_is_remembered_nothing_changes(domain):
    first = compiled(domain)
    assert spelled(compiled(domain, first.ledger)) == spelled(first)


@settings(FEW, max_examples=200)
@given(domains(), domains())
def test_whoever_stays_keeps_his_number(before, after):
    first, second = compiled(before), compiled(after, compiled(before).ledger)
    for one, other in zip(first.ledger, second.ledger):
        assert {key: other.given[key] for key in one.given if key in other.given} == {
            key: number for key, number in one.given.items() if key in other.given
        }
        new = {number for key, number in other.given.items() if key not in one.given}
        assert not new & set(one.given.values())


class Known:
    """The maps of one compilation, as a change is judged by them."""

    def __init__(self, maps):
        self.verdicts = set(maps.verdicts)
        # By class, who is in it.
        # The world is where no destination is.
        self.members = {WORLD: {"the world"}}
        for scope, prefix, endpoint in maps.destinations:
            if scope != EVERY_NETWORK:
                self.members.setdefault(endpoint.class_, set()).add((scope, prefix, endpoint.identity))
        # By class of ports, which are in it.
        self.ports = {}
        ends = [run.first for run in maps.port_classes[1:]]
        for run, end in zip(maps.port_classes, [*ends, 0]):
            self.ports.setdefault((run.protocol, run.class_), []).append((run.first, end or 65536))
        self.peers = {}
        names = {identity.number: identity.name for identity in maps.identities}
        for _scope, _prefix, endpoint in maps.destinations:
            if endpoint.flags & PEER:
                self.peers.setdefault(endpoint.class_, set()).add(names[endpoint.identity])

    def same(self, other, class_):
        return self.members.get(class_) == other.members.get(class_)

    def same_ports(self, other, verdict):
        if verdict.protocol not in (6, 17, 132):
            return True
        key = (verdict.protocol, verdict.port)
        return self.ports.get(key) == other.ports.get(key)


@settings(FEW, max_examples=500)
@given(domains(), st.integers(0, 1 << 32))
def test_a_change_of_one_rule_touches_only_what_the_rule_is_about(domain, seed):
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    tenancy = domain.tenancy
    rules = Reference(tenancy, {}).order
    assume(rules)
    name, direction, position = choose.choice(rules)
    policy = tenancy.policies[name]
    rule = getattr(policy, direction)[position]
    changed = choose.choice(
        (
            rule._replace(action="deny" if rule.action == "allow" else "allow"),
            rule._replace(ports=(Port("TCP", 80, 8080),)),
            rule._replace(others=rule.others[1:]),
            rule._replace(others=()),
        )
    )
    listed = list(getattr(policy, direction))
    listed[position] = changed
    policies = {**tenancy.policies, name: policy._replace(**{direction: tuple(listed)})}
    first = compiled(domain)
    second = compiled(domain._replace(tenancy=tenancy._replace(policies=policies)), first.ledger)
    old, new = Known(first.maps), Known(second.maps)
    # Who is together as before is called as before, unless policies name a prefix now that they did not, or no more: it
    # may tell parts of one peer apart, and only one of them can be called by the peer's number.
    if first.maps.identities == second.maps.identities:
        assert [name for name, who in old.members.items() if who in new.members.values()] == [
            name for name in old.members if old.same(new, name)
        ]
    assert first.maps.rules == second.maps.rules
    reference = Reference(tenancy, domain.places)
    for verdict in old.verdicts ^ new.verdicts:
        own, far = verdict.source, verdict.destination
        if direction == "ingress":
            own, far = far, own
        split = not (old.same(new, own) and old.same(new, far))
        assert split or not old.same_ports(new, verdict) or is_about(reference, policy, (rule, changed), old, own, far)


def is_about(reference, policy, rules, known, own, far):
    """Whether one of the rules is for somebody of one class and about somebody of the other."""
    if not any(reference.selects_peer(policy, peer) for peer in known.peers.get(own, ())):
        return False
    # What is no peer is left out: it is meant by its addresses, of which there are too many to ask.
    return far not in known.peers or any(
        not rule.others
        or any(reference.means(others, policy, reference.scope(policy), peer, address) for others in rule.others)
        for rule in rules
        for peer in known.peers[far]
        for prefix in reference.prefixes(peer)
        for address in prefix
    )
