# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The private keys of this host's WireGuard links. They are made here and never leave.

Below KEY_ROOT each link has a folder with `private`, while its key is being changed `next`, and after that `previous`,
which is what a run that fails goes back to. Each has its public key beside it, in a file of the same name with `.pub`.
Preshared keys lie there too (preshared.py).
"""

from __future__ import annotations

import os

from ...model.errors import KernelError
from ...model.wireguard import KEY_ROOT, Keys
from ..programs import find
from ..wireguard.tool import is_key, wg
from .files import move, read, refused, write
from .preshared import shared

_PRIVATE, _NEXT, _PREVIOUS = "private", "next", "previous"


def observe() -> Keys:
    """The public side, read from files alone: no process is started as long as each key has its public one."""
    links, following, preshared = [], [], []
    for link in _links():
        for name, found in ((_PRIVATE, links), (_NEXT, following)):
            public = _public(link, name)
            if public:
                found.append((link, public))
        preshared += [(link, peer, fingerprint) for peer, fingerprint in shared(link)]
    return Keys(tuple(links), tuple(following), preshared=tuple(preshared))


def make_link(link: str) -> str:
    """See to it that the link has a key. Its public key. Raises KernelError for one that is damaged."""
    return _make(link, _PRIVATE)


def make_following(link: str) -> str:
    """See to it that there is the key that the link is to change to. Its public key."""
    return _make(link, _NEXT)


def promote(link: str) -> None:
    """The following key becomes the link's; the one until now is kept as the previous one."""
    _shift(link, _NEXT, _PREVIOUS)


def forget(link: str) -> None:
    """Remove all keys of a link that is no more, also the preshared ones."""
    folder = _path(link)
    try:
        for name in os.listdir(folder):
            os.unlink(f"{folder}/{name}")
        os.rmdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise refused(folder, error) from error


def private_file(link: str, public_key: str) -> str:
    """Path of the link's private key, after a change of keys where this public key belongs to another one of it.

    Raises KernelError where no key of this link belongs to it.
    """
    have = {_public(link, name): name for name in (_PREVIOUS, _NEXT, _PRIVATE)}
    name = have.get(public_key)
    if not public_key or name is None:
        reason = f"{KEY_ROOT}/{link} has no private key for {public_key or 'it'}: compile the plan again"
        raise KernelError(f"key of {link}", reason)
    if name == _NEXT:
        promote(link)
    elif name == _PREVIOUS:
        _shift(link, _PREVIOUS, _NEXT)
    return _path(link, _PRIVATE)


def _links() -> list[str]:
    try:
        with os.scandir(KEY_ROOT) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []


def _path(link: str, name: str = "") -> str:
    return f"{KEY_ROOT}/{link}/{name}".rstrip("/")


def _make(link: str, name: str) -> str:
    path = _path(link, name)
    public = _public(link, name)
    if public:
        return public
    if os.path.lexists(path):
        raise KernelError(f"key of {link}", f"{path} is damaged; restore it, or remove it to have a new one made")
    private = wg(f"key of {link}", "genkey").strip()
    # In this order: a private key without its public one is mended, the reverse belongs to nobody.
    write({path: private})
    return _mend(link, name, private)


def _public(link: str, name: str) -> str:
    """The public key of one of a link's keys; "" where there is none, or no telling which.

    One that is missing, damaged or older than the private key is made anew, as far as wg(8) is there to do that.
    """
    path = _path(link, name)
    private = read(path)
    if private is None or not is_key(private):
        return ""
    public = read(f"{path}.pub") or ""
    if is_key(public) and os.stat(f"{path}.pub").st_mtime_ns >= os.stat(path).st_mtime_ns:
        return public
    return _mend(link, name, private) if find("wg") else ""


def _mend(link: str, name: str, private: str) -> str:
    public = wg(f"key of {link}", "pubkey", text=private + "\n").strip()
    write({f"{_path(link, name)}.pub": public})
    return public


def _shift(link: str, source: str, kept: str) -> None:
    """Key `source` becomes the private one, and the private one until now `kept`.

    Wherever this is cut off there is a whole private key. Its public key goes before it changes: a missing one is made
    anew, while a wrong one would be believed.
    """
    private, new, old = (_path(link, name) for name in (_PRIVATE, source, kept))
    if not _public(link, source):
        raise KernelError(f"key of {link}", f"there is no {new} to change to")
    try:
        for end in (".pub", ""):
            if os.path.lexists(old + end):
                os.unlink(old + end)
        if _public(link, _PRIVATE):
            for end in ("", ".pub"):
                os.link(private + end, old + end)
            os.unlink(f"{private}.pub")
        for end in ("", ".pub"):
            move(new + end, private + end)
    except OSError as error:
        raise refused(private, error) from error
