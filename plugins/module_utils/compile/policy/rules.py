# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of all policies, numbered, in a form that says at once which of them mean the same others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Union

from ...intent.network import OBSERVE
from ...intent.policy import Policy
from ...intent.port import Port
from ...intent.rule import ALLOW, Others, Rule
from ...intent.selector import Expression, Selector
from ...intent.tenancy import Tenancy
from ...model.policy import RuleName
from .prefix import Prefix, prefix_of

INGRESS = "ingress"
EGRESS = "egress"


class Labels(NamedTuple):
    """A selector that can be compared and looked up."""

    labels: tuple[tuple[str, str], ...]
    expressions: tuple[Expression, ...]


class Everybody(NamedTuple):
    """All that a network sees, peers or not."""

    network: str


class Block(NamedTuple):
    """What is in a prefix and in none of excluded, as a network sees it."""

    network: str
    cidr: Prefix
    excluded: tuple[Prefix, ...]


class Group(NamedTuple):
    """Selected peers (None: all): of a namespace; or of those namespaces that the network reaches and that are
    selected; or, where both are None, of the network alone."""

    network: str
    namespace: str | None
    namespaces: Labels | None
    peers: Labels | None


# Whom a rule is about on its far side: `from` or `to`.
Side = frozenset[Union[Everybody, Block, Group]]


class NumberedRule(NamedTuple):
    """number: as in the table of rules. observed: what it denies passes and is recorded."""

    number: int
    direction: str
    allows: bool
    observed: bool
    side: Side
    ports: tuple[Port, ...]


class PolicyRules(NamedTuple):
    """network: that of its scope. selected: whom it is for. rules: at least one, in the order of their numbers."""

    network: str
    selected: Group
    rules: tuple[NumberedRule, ...]


def numbered(tenancy: Tenancy) -> tuple[list[PolicyRules], tuple[RuleName, ...]]:
    """Every policy that has rules, in the order of names, and the table of rules."""
    found: list[PolicyRules] = []
    names: list[RuleName] = []
    for name, policy in sorted(tenancy.policies.items()):
        network = policy.network or tenancy.namespaces[policy.namespace or ""].network
        observed = OBSERVE in (policy.mode, tenancy.networks[network].mode)
        rules = []
        for direction, index, rule in _rules(policy):
            names.append(RuleName(name, direction, index))
            side = _side(rule, policy, network)
            rules.append(NumberedRule(len(names), direction, rule.action == ALLOW, observed, side, rule.ports))
        selected = Group(network, policy.namespace, None, _labels(policy.select))
        if rules:
            found.append(PolicyRules(network, selected, tuple(rules)))
    return found, tuple(names)


def _rules(policy: Policy) -> Iterator[tuple[str, int, Rule]]:
    for direction, rules in (INGRESS, policy.ingress), (EGRESS, policy.egress):
        for index, rule in enumerate(rules):
            yield direction, index, rule


def _side(rule: Rule, policy: Policy, network: str) -> Side:
    if not rule.others:
        return frozenset((Everybody(network),))
    return frozenset(_entry(others, policy, network) for others in rule.others)


def _entry(others: Others, policy: Policy, network: str) -> Block | Group:
    if others.cidr is not None:
        return Block(network, prefix_of(others.cidr), tuple(sorted(map(prefix_of, others.excluded))))
    if others.namespaces is None:
        return Group(network, policy.namespace, None, _labels(others.peers))
    return Group(network, None, _labels(others.namespaces), _labels(others.peers))


def _labels(selector: Selector | None) -> Labels | None:
    return None if selector is None else Labels(tuple(sorted(selector.labels.items())), selector.expressions)
