# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The peers that a host should have at this moment: some expire, some change to another key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model import state as kinds
from ..model.change import CHANGE, REMOVE, Change
from ..model.wireguard import Peer
from .fields import differing

DAY = 86400
# How long before a client's access ends every run says so.
WARNING_DAYS = 14


def peers_at(planned: Iterable[Peer], seen: Mapping[str, Peer], now: int) -> tuple[Peer, ...]:
    """planned: of the plan. seen: as observed, by key. now: the host's clock, Unix time; 0: nobody expires."""
    found: list[Peer] = []
    for peer in planned:
        if peer.expires is None or now < peer.expires:
            found += _with_successor(peer, seen)
    return tuple(found)


def _with_successor(peer: Peer, seen: Mapping[str, Peer]) -> list[Peer]:
    """Both keys of a pair that changes them, until the first handshake with the new one; then that one alone."""
    if peer.successor is None:
        return [peer]
    waiting = peer._replace(public_key=peer.successor, successor=None, inherits=peer.public_key)
    known = seen.get(waiting.key())
    if known is not None and known.handshake:
        return [waiting]
    return [peer, waiting._replace(allowed_ips=())]


def overdue(planned: Iterable[Peer], seen: Mapping[str, Peer], now: int) -> tuple[Change, ...]:
    """What has become due since the plan was applied: expired peers go, and a new key that was used takes the place of
    the old one. Whatever else differs is not judged here: a run may be about to change it."""
    found: list[Change] = []
    for peer in planned:
        wanted = {due.key(): due for due in peers_at((peer,), seen, now)}
        if peer.key() in wanted:
            continue
        # The new key first: it has the AllowedIPs before the old one goes.
        for key in (f"{peer.link} {peer.successor}", peer.key()):
            if key in seen and key not in wanted:
                found.append(Change(REMOVE, kinds.PEER, key, seen[key], None, f"access of {peer.name}"))
            elif key in seen and differing(seen[key], wanted[key]):
                found.append(Change(CHANGE, kinds.PEER, key, seen[key], wanted[key], f"new key of {peer.name}"))
    return tuple(found)


def expiry_notes(planned: Iterable[Peer], now: int) -> tuple[str, ...]:
    """Whose access has ended, and whose will soon."""
    return tuple(
        _note(peer.name, peer.expires - now)
        for peer in planned
        if now and peer.expires is not None and peer.expires - now <= WARNING_DAYS * DAY
    )


def _note(name: str, left: int) -> str:
    if left <= 0:
        return f"client {name} has expired and has no access any more; renew it, or remove it from the intent"
    days = left // DAY
    when = f"in {days} days" if days > 1 else "within two days" if days else "within a day"
    return f"the access of client {name} ends {when}"
