# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Denials on their way from a host's spool to where all hosts' are collected: who sends what where, and the messages.

The sender says of which spool it reads; the collector answers up to where it has that one, and from then on answers
each batch with where it is by then. What it says that it has is on its disk. All that is told besides the lines is one
line of JSON, ASCII.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

# Where a host keeps the key and the certificate that it sends with: files of root's alone.
AUDIT_KEY_FOLDER = "/var/lib/weft/audit-key"
# Below the folder of the store.
COLLECTED = "audit"
LISTENING_PORT = 5515

PROTOCOL = 1
# No line of JSON is longer.
MOST_TOLD = 1024
_SPOOL = re.compile("[0-9a-f]{32}")
# A certificate of P-256 as openssl(1) writes it, and nothing else.
CERTIFICATE = r"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,64}\n){1,64}-----END CERTIFICATE-----\n"
# As much as names of segments have room for, on both sides.
_MOST_NUMBER = 10**15 - 1
_MOST_BEGAN = 10**12 - 1


class Audit(NamedTuple):
    """Where a host sends its denials. addresses: bare, of the one host, tried in this order. certificate: PEM text of
    what it has to present."""

    addresses: tuple[str, ...]
    port: int
    certificate: str


class Collector(NamedTuple):
    """What a host collects. addresses: its own that it listens on, bare. store: folder of the store. hosts: (name,
    certificate) of those whose denials are taken. sources: addresses that they may come from; empty: any."""

    addresses: tuple[str, ...]
    port: int
    store: str
    hosts: tuple[tuple[str, str], ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return f"{self.store}/{COLLECTED}"


class Position(NamedTuple):
    """Up to where lines of a spool are known: number and beginning (seconds since 1970) of a segment, octets of it."""

    segment: int = 0
    began: int = 0
    offset: int = 0


NOTHING = Position()


class Batch(NamedTuple):
    """Whole lines of one segment, from `at` on."""

    at: Position
    data: bytes

    @property
    def end(self) -> Position:
        return self.at._replace(offset=self.at.offset + len(self.data))


class MessageError(ValueError):
    """What was said is none of these messages; ``str()`` says why."""


class RefusedError(Exception):
    """The other side wants nothing more; ``str()`` is its reason."""


def known_octets(have: Position, batch: Batch) -> int | None:
    """How many octets of a batch the collector has already, from its first one on. None: it does not follow what is
    there; nothing of it is taken, and the sender goes on from where the collector is."""
    at = batch.at
    if at.segment < have.segment:
        return len(batch.data)
    if at.segment > have.segment:
        return 0 if at.offset == 0 else None
    if at.began != have.began or at.offset > have.offset:
        return None
    return min(have.offset - at.offset, len(batch.data))


def hello(spool: str) -> bytes:
    return _line({"weft": PROTOCOL, "spool": spool})


def spool_of(line: bytes) -> str:
    """What hello() was told. Raises MessageError."""
    said = _read(line)
    if said.get("weft") != PROTOCOL:
        raise MessageError(f"it speaks version {said.get('weft')!r}, this release {PROTOCOL}; update the older one")
    spool = said.get("spool")
    if not isinstance(spool, str) or not _SPOOL.fullmatch(spool):
        raise MessageError(f"{spool!r} is not the mark of a spool")
    return spool


def header(batch: Batch) -> bytes:
    """What goes before a batch's octets."""
    return _line({"at": list(batch.at), "octets": len(batch.data)})


def of_header(line: bytes, most: int) -> tuple[Position, int]:
    """(where it begins, octets that follow). most: octets of a segment. Raises MessageError."""
    said = _read(line)
    at, octets = _position(said.get("at")), said.get("octets")
    if not _is_number(octets, most) or not octets or at.offset + octets > most or not at.segment:
        raise MessageError(f"a batch of {octets!r} octets at {tuple(at)} is none")
    return at, octets


def answer(at: Position) -> bytes:
    return _line({"at": list(at)})


def refusal(reason: str) -> bytes:
    return _line({"refused": reason[:200]})


def of_answer(line: bytes) -> Position:
    """Raises MessageError, and RefusedError where it was a refusal."""
    said = _read(line)
    if "refused" in said:
        reason = str(said["refused"])
        raise RefusedError("".join(letter if letter.isprintable() else "?" for letter in reason))
    return _position(said.get("at"))


def _line(said: dict[str, Any]) -> bytes:
    return json.dumps(said).encode("ascii") + b"\n"


def _read(line: bytes) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise MessageError("a message is cut off" if len(line) < MOST_TOLD else "a message is too long")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageError("a message is not JSON") from error
    if not isinstance(said, dict):
        raise MessageError("a message is not a JSON object")
    return said


def _position(value: Any) -> Position:
    most = (_MOST_NUMBER, _MOST_BEGAN, _MOST_NUMBER)
    if not isinstance(value, list) or len(value) != len(most) or not all(map(_is_number, value, most)):
        raise MessageError(f"{value!r} is no place in a spool")
    return Position(*value)


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
