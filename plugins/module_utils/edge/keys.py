# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The keys of a host, made where they are missing. What leaves this file is public or sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..kernel.clients import kept as clients
from ..kernel.keys import certificates, preshared, sealing
from ..kernel.keys import private as keys
from ..kernel.keys.ring import observe
from ..kernel.lock import exclusive
from ..model.wireguard import Keys

Pair = Mapping[str, str]


class Wish(NamedTuple):
    """What is to be there afterwards, as the module keys has it."""

    links: list[str]
    following: list[str]
    promote: list[str]
    clients: list[str]
    anew: list[str]
    seal: list[Pair]
    open: list[Pair]
    certificate: bool
    audit: bool


def carry_out(wish: Wish, check: bool) -> dict[str, Any]:
    """changed, made (in words), sealed, and the public side of all keys. Raises KernelError."""
    made = list(_lacking(wish, observe()))
    sealed: list[dict[str, str]] = []
    if not check:
        with exclusive():
            _make(wish)
            sealed = [_sealed(pair) for pair in wish.seal]
    return {"changed": bool(made), "made": made, "sealed": sealed, "keys": observe()._asdict()}


def _lacking(wish: Wish, kept: Keys) -> Iterator[str]:
    """What is not there yet, in words. A preshared key that another host sealed counts when this host has another."""
    links, following, known = dict(kept.links), dict(kept.following), dict(kept.clients)
    yield from (f"key of {link}" for link in wish.links if link not in links)
    yield from (f"following key of {link}" for link in wish.following if link not in following)
    yield from (f"{link} has its following key" for link in wish.promote if link in following)
    yield from (f"key of client {name}" for name in wish.clients if name not in known)
    yield from (f"another key of client {name}" for name in wish.anew)
    if wish.certificate and not kept.certificate:
        yield "certificate"
    if wish.audit and not kept.audit:
        yield "key and certificate of the audit"
    pairs = {(link, peer) for link, peer, _fingerprint in kept.preshared}
    for pair in wish.seal:
        if (pair["link"], pair["public_key"]) not in pairs:
            yield f"preshared key of {pair['link']} with {pair['public_key']}"
    yield from (f"preshared key of {pair['link']} with {pair['public_key']}, from its server" for pair in wish.open)


def _make(wish: Wish) -> None:
    for link in wish.links:
        keys.make_link(link)
    for link in wish.following:
        keys.make_following(link)
    for link in wish.promote:
        if link in dict(keys.observe().following):
            keys.promote(link)
    clients.make(wish.clients)
    clients.make(wish.anew, anew=True)
    if wish.certificate:
        sealing.certificate()
    if wish.audit:
        certificates.make_audit()
    for pair in wish.open:
        text = sealing.open_(pair["sealed"]).decode("ascii")
        preshared.put_preshared(pair["link"], pair["public_key"], text)


def _sealed(pair: Pair) -> dict[str, str]:
    key = preshared.get_preshared(pair["link"], pair["public_key"])
    text = sealing.seal(key.encode("ascii"), pair["certificate"])
    return {"link": pair["link"], "public_key": pair["public_key"], "sealed": text}
