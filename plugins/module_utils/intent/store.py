# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the intent, the ledger and the clients' files are kept, with their history."""

from __future__ import annotations

from typing import NamedTuple

from ..model.sending import LISTENING_PORT
from .names import HOST
from .scalar import Boolean, Integer
from .schema import Field, Record
from .text import Folder


class Collecting(NamedTuple):
    """port: TCP, that the server listens on for the denials of other hosts."""

    port: int


class Store(NamedTuple):
    """server: name of a server with the role nas. path: folder on it, absolute. keep: how many generations.

    identity: whether the servers' private keys are kept there too, sealed, so that one that was wiped comes back as
    the same. audit: how denials of all hosts are collected there, None: they stay where they are.
    """

    server: str
    path: str
    keep: int
    identity: bool
    audit: Collecting | None


COLLECTING = Record(
    build=Collecting,
    fields={
        "port": Field(Integer(1, 65535, "a port"), "The TCP port that the server listens on for them.", LISTENING_PORT),
    },
)
STORE = Record(
    build=Store,
    fields={
        "server": Field(HOST, "The server that keeps it: one with the role nas.", required=True),
        "path": Field(Folder(), "The folder there.", "/srv/weft"),
        "keep": Field(Integer(1, 1000, "a number of generations"), "How many generations are kept.", 10),
        "identity": Field(
            Boolean(), "Whether the servers' private keys are kept there too, sealed, for the day one is lost.", False
        ),
        "audit": Field(
            COLLECTING,
            "Denials of all hosts are collected there too. `audit: {}` is that with every default.",
            absent="they stay on their hosts",
        ),
    },
)
