# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies: what the peers that they select may receive and send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .collection import Map
from .names import NAMESPACE, NETWORK, POLICY
from .network import MODE
from .rule import EGRESS, FROM, INGRESS, TO, Others, Rule
from .schema import Check, Field, Record
from .selector import SELECTOR, Selector


class Policy(NamedTuple):
    """namespace, network: its scope, the name of one of the two; the other is None. select: peers of the scope.

    mode: as of a network, None: its network's. ingress, egress: empty: it allows nothing, and denies nothing.
    """

    namespace: str | None
    network: str | None
    select: Selector
    mode: str | None
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]

    def others(self) -> Iterator[tuple[tuple[str | int, ...], Others]]:
        """Every entry of `from` and `to`, with its place in the policy."""
        for direction, field, rules in ("ingress", FROM, self.ingress), ("egress", TO, self.egress):
            for number, rule in enumerate(rules):
                for entry, others in enumerate(rule.others):
                    yield (direction, number, field, entry), others


def _has_one_scope(namespace: str | None, network: str | None) -> Iterator[tuple[str, str]]:
    if namespace is None and network is None:
        yield "", "has no scope; give the namespace whose peers it is for, or the network"
    if namespace is not None and network is not None:
        yield "network", f"stands beside namespace, {namespace}; a policy has one scope, delete one of them"


NETWORK_POLICY = Record(
    build=Policy,
    fields={
        "namespace": Field(NAMESPACE, "The namespace whose peers it is for.", absent="`network` says it"),
        "network": Field(
            NETWORK, "The network whose peers it is for, in all its namespaces.", absent="`namespace` says it"
        ),
        "select": Field(SELECTOR, "Which peers there. `{}`: all.", required=True),
        "mode": Field(
            MODE, "Whether what it denies is dropped, or passes and is recorded.", absent="that of the network"
        ),
        "ingress": Field(
            INGRESS,
            "What they may receive; nothing but what a rule of a policy allows. `{}` as a rule: everything.",
            [],
        ),
        "egress": Field(
            EGRESS, "What they may send; nothing but what a rule of a policy allows. `{}` as a rule: everything.", []
        ),
    },
    checks=(Check(("namespace", "network"), _has_one_scope),),
)
POLICIES = Map(POLICY, NETWORK_POLICY, noun="policy")
