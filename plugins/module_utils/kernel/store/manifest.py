# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One generation of a store as a text: which files it has, and who stored them when. No file is touched here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...model.errors import KernelError

VERSION = 1
INTENT = "domain.yaml"
_PART = "[A-Za-z0-9_%@+~-][A-Za-z0-9_.%@+~-]*"
_PATH = re.compile(rf"{_PART}(/{_PART})*")
_SUM = re.compile("[0-9a-f]{64}")


class Entry(NamedTuple):
    """A file of a generation. sha256: of its content, and the name of its object. size: bytes."""

    sha256: str
    size: int


class Manifest(NamedTuple):
    """previous: SHA-256 of the generation before this one, as it lies on the disk; None: there was none.

    when: `2026-11-21T12:00:00Z`, by the clock of the host that keeps the store. who: `ada@desk`, the controller's word.
    origin: address that the controller came in from, "" where it is the same machine. intent: SHA-256 of the intent, ""
    where there is none.
    files: by path. identities: by server, digest of the keys that are sealed in its file.
    """

    number: int
    previous: str | None
    when: str
    who: str
    origin: str
    intent: str
    files: Mapping[str, Entry]
    identities: Mapping[str, str]


EMPTY = Manifest(0, None, "", "", "", "", {}, {})


def entry_of(data: bytes) -> Entry:
    return Entry(hashlib.sha256(data).hexdigest(), len(data))


def to_bytes(manifest: Manifest) -> bytes:
    """Canonical JSON that has its own checksum in it."""
    document = {**manifest._asdict(), "version": VERSION}
    document["files"] = {path: entry._asdict() for path, entry in manifest.files.items()}
    document["identities"] = dict(manifest.identities)
    return _dump({**document, "sha256": hashlib.sha256(_dump(document)).hexdigest()})


def from_bytes(data: bytes) -> Manifest | None:
    """None where it is damaged; a store of a later version is refused, so that nobody mends what is not broken."""
    try:
        document = json.loads(data)
        told = document.pop("sha256")
        if hashlib.sha256(_dump(document)).hexdigest() != told:
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    version = document.pop("version")
    if version != VERSION:
        raise KernelError(
            "store", f"it has version {version!r}, this release reads {VERSION}; install a newer collection"
        )
    document["files"] = {path: Entry(**entry) for path, entry in document["files"].items()}
    return Manifest(**document)


def checked(path: str) -> str:
    """A path that stays in the store. Raises KernelError for any other."""
    if not _PATH.fullmatch(path) or len(path) > 1000:
        raise KernelError("store", f"{path!r} is no path of a file in a store")
    return path


def is_sum(text: str) -> bool:
    return bool(_SUM.fullmatch(text))


def client_digest(files: Mapping[str, str]) -> str:
    """One digest over the files of a client, {file name: SHA-256}: the server and the store compare it."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:32]


def client_digests(files: Mapping[str, Entry], server: str) -> dict[str, str]:
    """The same of every client that the store has of one server."""
    found: dict[str, dict[str, str]] = {}
    beginning = f"clients/{server}/"
    for path, entry in files.items():
        if path.startswith(beginning):
            client, _slash, name = path[len(beginning) :].partition("/")
            found.setdefault(client, {})[name] = entry.sha256
    return {client: client_digest(sums) for client, sums in found.items()}


def _dump(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
