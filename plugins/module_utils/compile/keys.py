# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which public keys are in use, which follow them, and which are still to be made. Private ones never come here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..model.facts import Facts
from ..model.wireguard import PUBLIC_KEY


class Ends(NamedTuple):
    """The public keys of one end of a tunnel. key: the one in use, None: not known yet. following: the one that it is
    changing to, None: it is not changing."""

    key: str | None = None
    following: str | None = None


class Sealing(NamedTuple):
    """A preshared key that has to reach the other end of a pair of managed hosts.

    The host that wants this makes the key for (link, public_key) if it has none, and seals it to `certificate` (PEM),
    which is that of `host`; there it is kept for (link, own_key).
    """

    link: str
    public_key: str
    own_key: str
    host: str
    certificate: str


class KeysWanted(NamedTuple):
    """What a host lacks. links: whose private key is to be made there. clients: those whose key is made there.
    certificate: whether it needs one that secrets are sealed to. preshared: keys to seal for other hosts. audit:
    whether it needs a key and a certificate to send or collect denials with."""

    links: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    certificate: bool = False
    preshared: tuple[Sealing, ...] = ()
    audit: bool = False


# What one host wants, as it was found; gathered() makes one KeysWanted of all.
Wish = tuple[str, KeysWanted]


def gathered(wishes: Iterable[Wish]) -> dict[str, KeysWanted]:
    """By host, everything that it wants, in canonical order."""
    found: dict[str, KeysWanted] = {}
    for host, wish in wishes:
        known = found.get(host, KeysWanted())
        found[host] = KeysWanted(
            tuple(sorted({*known.links, *wish.links})),
            tuple(sorted({*known.clients, *wish.clients})),
            known.certificate or wish.certificate,
            tuple(sorted({*known.preshared, *wish.preshared})),
            known.audit or wish.audit,
        )
    return dict(sorted(found.items()))


def all_shaken(facts: Mapping[str, Facts]) -> frozenset[str]:
    """Public keys that anybody has shaken hands with."""
    return frozenset(key for said in facts.values() for key in said.shaken)


def ends_of_link(facts: Facts | None, link: str, remembered: Ends, shaken: frozenset[str]) -> Ends:
    """The keys of a host's own link: as the host says; of one that was not asked, as it was remembered."""
    if facts is None:
        return settled(remembered, shaken)
    return Ends(dict(facts.keys.links).get(link), dict(facts.keys.following).get(link))


def ends_of_client(made: str | None, remembered: Ends, shaken: frozenset[str]) -> Ends:
    """The keys of a client whose key the server makes. made: the one that the client's files have now; None: none.

    A renewed client goes on with the key that it has until somebody used the new file; one whose files were lost does
    so too.
    """
    known = settled(remembered, shaken)
    if known.key is None or known.key == made or made in shaken:
        return Ends(made)
    return Ends(known.key, made)


def settled(ends: Ends, shaken: frozenset[str]) -> Ends:
    """A change of keys is over with the first handshake."""
    return Ends(ends.following) if ends.following in shaken else ends


def fingerprint(facts: Facts, link: str, public_key: str | None) -> str | None:
    """Of the preshared key that the host keeps for a pair; None: it has none."""
    kept = {(at, key): found for at, key, found in facts.keys.preshared}
    return kept.get((link, public_key or ""))


def public_key(text: Any) -> str:
    """A public key as `wg pubkey` writes it; ValueError for anything else."""
    if not isinstance(text, str) or not re.fullmatch(PUBLIC_KEY, text):
        raise ValueError(f"{text!r} is not a public key")
    return text
