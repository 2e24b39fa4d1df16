# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Preshared keys of pairs of managed hosts: used when both ends have the same one, and asked for until then.

The server makes the key. It travels sealed to the other end's certificate, and is known here by its fingerprint alone.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.facts import Facts
from .keys import Ends, KeysWanted, Sealing, fingerprint
from .world import Findings


class Side(NamedTuple):
    """One end of a pair. facts: None: it was not asked."""

    host: str
    facts: Facts | None
    ends: Ends


def agreed(link: str, server: Side, other: Side, remembered: bool, findings: Findings) -> bool:
    """Whether both ends have the same key. remembered: whether they had when both were last asked; it is believed of
    an end that cannot be asked now."""
    kept = _kept(link, server, other.ends.key)
    found = _kept(link, other, server.ends.key)
    if server.facts is None or other.facts is None:
        return remembered and None not in (kept, found)
    if kept is not None and kept == found:
        return True
    certificate = other.facts.keys.certificate
    if not certificate:
        findings.wish(other.host, KeysWanted(certificate=True))
    elif other.ends.key is not None and server.ends.key is not None:
        sealing = Sealing(link, other.ends.key, server.ends.key, other.host, certificate)
        findings.wish(server.host, KeysWanted(preshared=(sealing,)))
    return False


def _kept(link: str, side: Side, public_key: str | None) -> str | None:
    """The fingerprint that a side keeps for a pair; "": it was not asked."""
    return fingerprint(side.facts, link, public_key) if side.facts else ""
