# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of one client: `<client>.conf`, `<client>.nmconnection` and `<client>.png`, in a folder of its own.

Its private key is in the conf and, a second time, in the keyfile for NetworkManager: as long as one of the two is whole
the key is not lost, and everything else is made again. The conf is written last and has the checksums of the other two
in it, so files that do not belong together are known.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from ...model.client import ClientConfig
from ...model.wireguard import CLIENT_ROOT
from .. import atomic
from ..programs import run_bytes
from .keyfile import network_manager, secrets_in
from .text import NOTHING, Beside, Secrets, bare, key_alone, read, render

CONF, KEYFILE, IMAGE = ".conf", ".nmconnection", ".png"

# ISO/IEC 18004, version 40, level L: more bytes do not fit into one code.
_QR_BYTES = 2953
_NO_IMAGE = "none"


class Held(NamedTuple):
    """What of a client is kept here: its public key, and the secrets."""

    public_key: str
    secrets: Secrets


def path_of(name: str, end: str, root: str = CLIENT_ROOT) -> str:
    return f"{root}/{name}/{name}{end}"


def look(root: str, name: str) -> tuple[ClientConfig, Secrets]:
    """One client as its files have it. whole: all of them are there, belong together and are closed to others."""
    data, tight = atomic.look(path_of(name, CONF, root))
    found = read(data.decode(errors="replace")) if data is not None else None
    if found is None or found.config.name != name:
        second = _second(root, name)
        return NOTHING._replace(name=name, public_key=second.public_key if second else ""), Secrets()
    config, beside = found.config, found.beside
    if not config.link:
        return config._replace(whole=tight), found.secrets
    whole = tight and beside is not None
    for end, digest in ((KEYFILE, beside and beside.keyfile), (IMAGE, beside and beside.image)):
        data, tight = atomic.look(path_of(name, end, root))
        whole = whole and tight and digest == _digest(data)
    return config._replace(whole=whole), found.secrets


def held(root: str, name: str) -> Held | None:
    """From whichever of its files is whole; None where none is."""
    data = atomic.read(path_of(name, CONF, root))
    found = read(data.decode(errors="replace")) if data is not None else None
    if found is not None and found.config.name == name:
        return Held(found.config.public_key, found.secrets)
    return _second(root, name)


def remains(root: str, name: str) -> bool:
    """Whether there are files of this client at all."""
    try:
        return any(not entry.startswith(".") for entry in os.listdir(f"{root}/{name}"))
    except FileNotFoundError:
        return False


def write(root: str, config: ClientConfig, secrets: Secrets) -> None:
    """All three, the conf last: until it is there, the one before it has the key."""
    picture = image(render(config, secrets))
    keyfile = network_manager(config, secrets).encode()
    text = render(config, secrets, Beside(_digest(keyfile), _digest(picture)))
    atomic.folder(f"{root}/{config.name}")
    if picture is not None:
        atomic.write(path_of(config.name, IMAGE, root), picture, durable=False)
    else:
        _remove(path_of(config.name, IMAGE, root))
    atomic.write(path_of(config.name, KEYFILE, root), keyfile, durable=False)
    atomic.write(path_of(config.name, CONF, root), text.encode())
    atomic.settle(f"{root}/{config.name}")


def write_key(root: str, name: str, key: Held) -> None:
    """A conf that has the key and nothing else. The other files go first: they have another key in them."""
    text = render(key_alone(name, key.public_key), Secrets(key.secrets.private_key))
    _remove(path_of(name, IMAGE, root))
    _remove(path_of(name, KEYFILE, root))
    write_files(root, name, {name + CONF: text.encode()})


def write_files(root: str, name: str, contents: Mapping[str, bytes]) -> None:
    """Contents of one client by file name, the conf last; what has another name is none of its files."""
    atomic.folder(f"{root}/{name}")
    for end in (IMAGE, KEYFILE, CONF):
        if name + end in contents:
            atomic.write(path_of(name, end, root), contents[name + end])
    atomic.settle(f"{root}/{name}")


def contents_of(root: str, name: str) -> dict[str, bytes]:
    """All of its files that are there, by file name."""
    found = {name + end: atomic.read(path_of(name, end, root)) for end in (CONF, KEYFILE, IMAGE)}
    return {file: data for file, data in found.items() if data is not None}


def image(text: str, kind: str = "PNG") -> bytes | None:
    """The QR code of a conf, as a `kind` of qrencode(1); None where it cannot be one: it is too long, or has no private
    key, without which no app takes it."""
    content = bare(text).encode()
    if len(content) > _QR_BYTES or b"PrivateKey" not in content:
        return None
    return run_bytes("QR code", ["qrencode", "-t", kind, "-s", "4", "-o", "-"], content)


def _second(root: str, name: str) -> Held | None:
    data = atomic.read(path_of(name, KEYFILE, root))
    found = secrets_in(data.decode(errors="replace")) if data is not None else None
    return Held(*found) if found else None


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)


def _digest(data: bytes | None) -> str:
    return _NO_IMAGE if data is None else hashlib.sha256(data).hexdigest()
