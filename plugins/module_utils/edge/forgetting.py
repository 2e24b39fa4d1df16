# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ledger after a teardown: keys that nobody has any more are forgotten; those that a store may have are not."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from ..compile.ledger import Ledger, without_keys
from ..model.trace import KEYS, STORE


class Forgotten(NamedTuple):
    """notes: for the reader of the run."""

    ledger: Ledger
    notes: tuple[str, ...]


def forgetting(ledger: Ledger, members: Collection[str], kept: Mapping[str, Mapping[str, str]]) -> Forgotten:
    """members: all hosts that may have anything of weft's. kept: of those that weft left, what stays there, {path:
    sort}; one that was not reached, or failed, is not in it, and may have a store.

    A server that lost its keys by a mishap looks just like this one. So only a teardown, which took them away, may say
    that nobody is to wait for them.
    """
    bare = {host for host, left in kept.items() if KEYS not in left.values()}
    gone: dict[str, list[str]] = {}
    for name, entry in sorted(ledger.interfaces.items()):
        if entry.server in bare and entry.ends.key is not None:
            gone.setdefault(entry.server, []).append(name)
    stored = not set(members) <= set(kept) or any(STORE in left.values() for left in kept.values())
    return Forgotten(ledger if stored else without_keys(ledger, bare), tuple(_told(gone, stored)))


def _told(gone: Mapping[str, list[str]], stored: bool) -> Iterator[str]:
    for server, names in sorted(gone.items()):
        keys = f"the private keys of {', '.join(names)}"
        yield (
            f"{server} has {keys} no more: recover.yml -e target={server} brings them back where a store has them, "
            f"site.yml -e weft_new_keys={server} makes new ones"
            if stored
            else f"nobody has {keys} of {server} any more: site.yml makes new ones, and every client gets another file"
        )
