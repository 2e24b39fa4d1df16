# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Preshared keys, one for each pair of peers: KEY_ROOT/<link>/<the peer's public key, urlsafe>.psk.

The server of a pair makes it. Where Ansible manages both ends it travels sealed to the other one; such a key has an
empty file `.shared` beside it, and its fingerprint tells whether both ends have the same.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping

from ...model.errors import KernelError
from ...model.wireguard import KEY_ROOT
from ..wireguard.tool import is_key
from .files import refused, write

# More than a key with its line's end has; what is longer is none.
_LONGEST = 64
_KEY, _SHARED = ".psk", ".shared"
# path → what the file was when it was read, and its key.
_known: dict[str, tuple[tuple[int, int], str | None]] = {}
# The same key hashed for another purpose gives another digest.
_PURPOSE = b"weft.overlay preshared key fingerprint\0"
_TO_NAME = str.maketrans("+/", "-_")
_FROM_NAME = str.maketrans("-_", "+/")


def preshared_file(link: str, public_key: str, make: bool = True) -> str | None:
    """Path of the key kept for this peer; make: made now where there is none, else None. Raises KernelError."""
    if make:
        make_preshared(link, (public_key,))
    path = _path(link, public_key)
    return path if os.path.exists(path) else None


def make_preshared(link: str, public_keys: Iterable[str]) -> None:
    """See to it that there is a key for each of these peers."""
    folder = f"{KEY_ROOT}/{link}"
    # One look at the folder, not one for each of a thousand.
    there = set(os.listdir(folder)) if os.path.isdir(folder) else ()
    paths = (_path(link, key) for key in public_keys)
    lacking = [path for path in paths if path.rpartition("/")[2] not in there]
    write({path: b64encode(os.urandom(32)).decode() for path in lacking})


def inherit_preshared(link: str, heirs: Mapping[str, str]) -> None:
    """A peer that changed its own key goes on with the preshared one. heirs: the new public key → the one before."""
    kept = preshared_keys(link, heirs.values())
    for public_key, before in heirs.items():
        if before in kept and not os.path.lexists(_path(link, public_key)):
            write({_path(link, public_key): kept[before]})
            if os.path.exists(_path(link, before, _SHARED)):
                _mark(link, public_key)


def preshared_keys(link: str, public_keys: Iterable[str]) -> dict[str, str]:
    """The keys themselves, by the peer's public key, of those peers that have one. Nothing of this is to be told."""
    found = {key: _key(_path(link, key)) for key in public_keys}
    return {key: text for key, text in found.items() if text}


def _key(path: str) -> str | None:
    """None for a file that is not there or holds no key. One that is still the same is not read again: a run looks
    at all of them two or three times."""
    try:
        stamp = _stamp(os.stat(path)) if path in _known else None
        if stamp is None or _known[path][0] != stamp:
            _known[path] = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(path, error) from error
    return _known[path][1]


def _read(path: str) -> tuple[tuple[int, int], str | None]:
    """By the calls themselves: of a thousand files each layer above them is felt."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        text = os.read(descriptor, _LONGEST).decode("ascii", "replace").strip()
        return _stamp(os.fstat(descriptor)), text if is_key(text) else None
    finally:
        os.close(descriptor)


def _stamp(found: os.stat_result) -> tuple[int, int]:
    return found.st_ino, found.st_mtime_ns


def get_preshared(link: str, public_key: str) -> str:
    """The key for this peer, to be sealed for its host; made where there is none. Marks it as shared."""
    make_preshared(link, (public_key,))
    key = preshared_keys(link, (public_key,)).get(public_key)
    if key is None:
        path = _path(link, public_key)
        raise KernelError(f"key of {link}", f"{path} is damaged; restore it, or remove it to have a new one made")
    _mark(link, public_key)
    return key


def put_preshared(link: str, public_key: str, key: str) -> None:
    """Keep what the host of this peer sealed for us. Raises KernelError where that is no key."""
    if not is_key(key):
        raise KernelError(f"key of {link}", f"what arrived as the preshared key for {public_key} is not one")
    write({_path(link, public_key): key})
    _mark(link, public_key)


def forget_preshared(link: str, public_key: str) -> None:
    """Remove the key of a peer that is no more."""
    for end in (_SHARED, _KEY):
        path = _path(link, public_key, end)
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise refused(path, error) from error


def tidy_preshared(link: str, keep: Iterable[str]) -> None:
    """Remove the keys of all peers but these: of clients that were revoked, of keys that were changed."""
    kept = {public_key.translate(_TO_NAME) for public_key in keep}
    try:
        names = os.listdir(f"{KEY_ROOT}/{link}")
    except FileNotFoundError:
        return
    for name in names:
        stem, end = os.path.splitext(name)
        if end == _KEY and stem not in kept:
            forget_preshared(link, stem.translate(_FROM_NAME))


def shared(link: str) -> Iterator[tuple[str, str]]:
    """(the peer's public key, fingerprint) of each key that both ends of a pair are to have."""
    for name in sorted(os.listdir(f"{KEY_ROOT}/{link}")):
        if name.endswith(_SHARED):
            public_key = name[: -len(_SHARED)].translate(_FROM_NAME)
            for key in preshared_keys(link, (public_key,)).values():
                yield public_key, fingerprint(key)


def fingerprint(key: str) -> str:
    """What may be told of a key: 16 hexadecimal digits that are equal where the keys are."""
    return hashlib.sha256(_PURPOSE + key.encode("ascii")).hexdigest()[:16]


def _mark(link: str, public_key: str) -> None:
    path = _path(link, public_key, _SHARED)
    if not os.path.exists(path):
        write({path: ""})


def _path(link: str, public_key: str, end: str = _KEY) -> str:
    return f"{KEY_ROOT}/{link}/{public_key.translate(_TO_NAME)}{end}"
