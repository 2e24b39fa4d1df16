# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain: the whole intent, in one file."""

from __future__ import annotations

from collections import abc
from types import MappingProxyType
from typing import Any, NamedTuple

from ..model.errors import Fault, IntentError
from . import document
from .advice import CHECKS as ADVICE
from .client import CLIENTS, Client
from .interface import INTERFACES, Interface
from .membership import CHECKS as MEMBERSHIP
from .namespace import Namespace
from .network import Network
from .networks import CHECKS as NETWORKS
from .node import Mapping, Node, Report, Scalar, shown
from .overlay import OVERLAY, Overlay
from .peer import Peer
from .permission import CHECKS as PERMISSION
from .policy import Policy
from .policy_test import PolicyTest
from .profile import BINDINGS, PROFILES, Profile
from .references import CHECKS as REFERENCES
from .scalar import Integer
from .schema import Field, Record
from .server import SERVERS, Server
from .store import STORE, Store
from .tenancy import TENANCY, Tenancy

VERSION = 1
_NONE: abc.Mapping[str, Any] = MappingProxyType({})


class Intent(NamedTuple):
    """What should exist. overlay, store: None: the domain has none.

    servers, interfaces, profiles, clients: by name. bindings: interface → the profiles that it allows.
    networks, namespaces, peers, policies, tests, shadows: as in a Tenancy.
    notes: what may be meant and may be not; the file is good nevertheless.
    """

    version: int
    overlay: Overlay | None
    servers: abc.Mapping[str, Server] = _NONE
    interfaces: abc.Mapping[str, Interface] = _NONE
    profiles: abc.Mapping[str, Profile] = _NONE
    bindings: abc.Mapping[str, tuple[str, ...]] = _NONE
    clients: abc.Mapping[str, Client] = _NONE
    store: Store | None = None
    networks: abc.Mapping[str, Network] = _NONE
    namespaces: abc.Mapping[str, Namespace] = _NONE
    peers: abc.Mapping[str, Peer] = _NONE
    policies: abc.Mapping[str, Policy] = _NONE
    tests: tuple[PolicyTest, ...] = ()
    notes: tuple[Fault, ...] = ()
    shadows: tuple[str, ...] = ()

    def tenancy(self) -> Tenancy:
        """Who is who, and who may speak to whom."""
        return Tenancy(self.networks, self.namespaces, self.peers, self.policies, self.tests, (), self.shadows)


DOMAIN = Record(
    build=Intent,
    fields={
        "version": Field(
            Integer(VERSION, VERSION, "a known version"), "The version of this format; this one is 1.", required=True
        ),
        "overlay": Field(OVERLAY, "The VXLAN overlay. `overlay: {}` is one with every default.", absent="no overlay"),
        "servers": Field(SERVERS, "Machines that have WireGuard interfaces, by their inventory names.", {}),
        "interfaces": Field(INTERFACES, "WireGuard interfaces of the servers.", {}),
        "profiles": Field(PROFILES, "What clients may reach.", {}),
        "bindings": Field(BINDINGS, "Which profiles an interface allows; without a line, none.", {}),
        "clients": Field(CLIENTS, "Who connects: people's devices, and hosts of the inventory.", {}),
        "store": Field(STORE, "Where the intent and what came of it is kept, with its history.", absent="no store"),
        **TENANCY.fields,
    },
    checks=(*REFERENCES, *PERMISSION, *NETWORKS, *MEMBERSHIP, *ADVICE, *TENANCY.checks),
)


def parse(source: str | bytes, file: str) -> Intent:
    """The intent in ``source``, the content of ``file`` (its name in faults). Raises IntentError with every fault."""
    report = Report(file)
    node = document.read(source, report)
    intent = None
    if node is not None and not _is_newer(node, report):
        intent = DOMAIN.read(node, "", report)
    faults = report.faults()
    if faults or intent is None:
        raise IntentError(faults)
    return intent._replace(notes=report.notes())


def _is_newer(node: Node, report: Report) -> bool:
    """Whether the file is of a later version; then its other keys are not judged: they may well be right there."""
    version = node.get("version") if isinstance(node, Mapping) else None
    if not (isinstance(version, Scalar) and version.plain and version.text.isdecimal() and version.text.isascii()):
        return False
    newer = not version.text.startswith("0") and (len(version.text) > 9 or int(version.text) > VERSION)
    if newer:
        message = f"{shown(version.text)} is newer than this weft.overlay reads ({VERSION}); install a newer collection"
        report.add(version.line, "version", message)
    return newer
