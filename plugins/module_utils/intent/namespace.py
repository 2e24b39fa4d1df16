# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Namespaces: groups of peers, each in one network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .collection import Map
from .label import LABELS
from .names import NAMESPACE, NETWORK
from .schema import Field, Record


class Namespace(NamedTuple):
    """network: name of one. labels: key → value."""

    network: str
    labels: Mapping[str, str]


PEERS_NAMESPACE = Record(
    build=Namespace,
    fields={
        "network": Field(NETWORK, "The network that it lies in: a name below `networks`.", required=True),
        "labels": Field(LABELS, "Labels, in the syntax of Kubernetes.", {}),
    },
)
NAMESPACES = Map(NAMESPACE, PEERS_NAMESPACE, noun="namespace")
