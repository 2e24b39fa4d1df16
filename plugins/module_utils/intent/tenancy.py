# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who is who in a domain, and who may speak to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..model.errors import Fault, IntentError
from . import document
from .claims import CHECKS as CLAIMS
from .foreign_cidrs import CHECKS as FOREIGN_CIDRS
from .namespace import NAMESPACES, Namespace
from .network import NETWORKS, Network
from .node import Report
from .peer import PEERS, Peer
from .peering import CHECKS as PEERING
from .policy import POLICIES, Policy
from .policy_advice import CHECKS as ADVICE
from .policy_checks import CHECKS as POLICY_CHECKS
from .policy_test import TESTS, PolicyTest
from .schema import Field, Record
from .shadows import CHECKS as SHADOW_CHECKS
from .shadows import SHADOWS


class Tenancy(NamedTuple):
    """By name: networks, namespaces, peers, policies. tests: in the order of the file. shadows: canonical text, without
    overlaps.

    notes: what may be meant and may be not; the file is good nevertheless.
    """

    networks: Mapping[str, Network]
    namespaces: Mapping[str, Namespace]
    peers: Mapping[str, Peer]
    policies: Mapping[str, Policy]
    tests: tuple[PolicyTest, ...]
    notes: tuple[Fault, ...] = ()
    shadows: tuple[str, ...] = ()


TENANCY = Record(
    build=Tenancy,
    fields={
        "networks": Field(NETWORKS, "Networks of tenants; nothing passes between two that are not peered.", {}),
        "namespaces": Field(NAMESPACES, "Groups of peers, each in one network.", {}),
        "peers": Field(PEERS, "Who may send and receive; nothing, unless a policy allows it.", {}),
        "policies": Field(POLICIES, "What peers may send and receive.", {}),
        "tests": Field(TESTS, "What the policies must say; a plan is made only if they do.", []),
        "shadows": SHADOWS,
    },
    checks=(*PEERING, *CLAIMS, *POLICY_CHECKS, *ADVICE, *FOREIGN_CIDRS, *SHADOW_CHECKS),
)


def parse_tenancy(source: str | bytes, file: str) -> Tenancy:
    """The tenancy in ``source``, the content of ``file`` (its name in faults). Raises IntentError with every fault."""
    report = Report(file)
    node = document.read(source, report)
    tenancy = TENANCY.read(node, "", report) if node is not None else None
    faults = report.faults()
    if faults or tenancy is None:
        raise IntentError(faults)
    return tenancy._replace(notes=report.notes())
