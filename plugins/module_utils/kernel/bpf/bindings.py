# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Addresses that are bound to interfaces: on one with the flag BOUND, nobody else speaks.

They are no part of any policy: whoever follows the containers of a host binds and unbinds, and a new policy judges by
what is bound. Two maps tell of it (files/bpf/lib/maps.h): `bindings`, by interface, for those who send, and `bound`,
for those who send to them; after each change a third one, `bindings_turn`, has another number, by which the programs
know that what they remember of packets counts no more.

Only one process may bind at a time: that is the caller's business.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from ...model.errors import KernelError
from . import calls
from .layout import BINDING, BINDING_KEY, MAPPED, NUMBER, address, text
from .objects import map_path

# Bound to every interface that has any: whoever speaks there may also ask for addresses, and join groups.
_ANYBODY = bytes(16)
_ZERO = NUMBER.pack(0)
# The programs remember for a second: within four of them no number comes twice.
_TURNS = 1 << 32

_Key = tuple[int, bytes]


def bind(folder: str, index: int, single: str, identity: int = 0) -> None:
    """An address may speak on an interface, which need not be policed yet. identity: of the peer whose it is meanwhile,
    in both directions; 0: whoever the policy says. Bound already: the identity changes. Raises KernelError.
    """
    with _Maps(folder) as maps:
        maps.bind(index, _raw(single), identity)


def unbind(folder: str, index: int, single: str | None = None) -> None:
    """The opposite, of one address or of all of an interface, which may be gone. No fault, if they are not bound."""
    with _Maps(folder) as maps:
        maps.unbind(index, None if single is None else _raw(single))


def bound(folder: str) -> dict[tuple[int, str], int]:
    """Identities of all that are bound, by index of the interface and address, sorted."""
    with _Maps(folder) as maps:
        found = maps.read()
    return {(index, text(raw)): found[index, raw] for index, raw in sorted(found) if raw != _ANYBODY}


def _raw(single: str) -> bytes:
    try:
        raw = address(single)
    except OSError as error:
        raise KernelError(f"binding of {single!r}", "it is not an address; what is bound is a single one") from error
    if raw in (_ANYBODY, MAPPED + bytes(4)):
        raise KernelError(f"binding of {single}", "it is nobody's address; bind the one that somebody will have")
    return raw


class _Maps:
    """File descriptors of the three."""

    def __init__(self, folder: str) -> None:
        self._handles: dict[str, int] = {}
        try:
            for name in ("bindings", "bound", "bindings_turn"):
                self._handles[name] = calls.pinned(map_path(folder, name))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> _Maps:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        return self

    def __exit__(self, *_exception: object) -> None:
        for handle in self._handles.values():
            os.close(handle)

    def read(self) -> dict[_Key, int]:
        found = calls.read_all("bindings", self._handles["bindings"])
        return {BINDING_KEY.unpack(key): BINDING.unpack(value)[0] for key, value in found.items()}

    def bind(self, index: int, raw: bytes, identity: int) -> None:
        others = {key: value for key, value in self.read().items() if key != (index, raw)}
        self._refuse_too_many({*others, (index, raw), (index, _ANYBODY)})
        # Who it is comes first: before it may speak, nobody takes it for somebody else.
        self._name(raw, others, identity)
        for one, value in ((raw, identity), (_ANYBODY, 0)):
            calls.put(self._handles["bindings"], BINDING_KEY.pack(index, one), BINDING.pack(value))
        self._turn()

    def unbind(self, index: int, raw: bytes | None) -> None:
        before = self.read()
        mine = {one for where, one in before if where == index}
        going = mine - {_ANYBODY} if raw is None else mine & {raw}
        gone = mine if going | {_ANYBODY} == mine else going
        for one in gone:
            calls.delete(self._handles["bindings"], BINDING_KEY.pack(index, one))
        left = {key: identity for key, identity in before.items() if key[0] != index or key[1] not in gone}
        for one in going:
            self._name(one, left)
        self._turn()

    def _name(self, raw: bytes, others: Mapping[_Key, int], wanted: int = 0) -> None:
        """Says who has an address: whom it was bound to last, or whom it is bound to on another interface."""
        identity = wanted or next((value for key, value in others.items() if key[1] == raw and value), 0)
        if identity:
            calls.put(self._handles["bound"], raw, BINDING.pack(identity))
        else:
            calls.delete(self._handles["bound"], raw)

    def _refuse_too_many(self, wanted: set[_Key]) -> None:
        room = calls.map_info(self._handles["bindings"]).entries
        if len(wanted) > room:
            words = f"there is room for {room}, one more for each interface; unbind those of interfaces that are gone"
            raise KernelError("addresses that are bound", words)

    def _turn(self) -> None:
        calls.put(self._handles["bindings_turn"], _ZERO, NUMBER.pack(time.monotonic_ns() % _TURNS))
