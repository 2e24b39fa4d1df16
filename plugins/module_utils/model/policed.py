# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host's kernel judges packets by, as an object of its state."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from . import policy_text
from .policy import PolicyMaps

# Below bpffs: what is loaded, and nothing of anybody else.
BPF_FOLDER = "/sys/fs/bpf/weft"


class Objects(NamedTuple):
    """Compiled BPF programs. digest: SHA-256 over all of them, hexadecimal. files: name (`ingress.bpf.o`) and ELF of
    each, sorted."""

    digest: str
    files: tuple[tuple[str, bytes], ...] = ()


class LoadedPolicy(NamedTuple):
    """The generation that judges. digest: SHA-256 of its maps' canonical text without attachments, hexadecimal.
    objects: digest of the programs that are loaded.

    maps, files (those of Objects): what to load; observed ones carry none, and they play no part in comparisons.
    """

    digest: str
    objects: str
    maps: PolicyMaps | None = None
    files: tuple[tuple[str, bytes], ...] = ()

    def key(self) -> str:
        return "policy"


def digest_of(maps: PolicyMaps) -> str:
    """What a generation is called. Attachments are no part of it: the kernel has them beside the generations."""
    return hashlib.sha256(policy_text.to_json(maps._replace(attachments=())).encode()).hexdigest()


def objects_of(files: Iterable[tuple[str, bytes]]) -> Objects:
    """files: name and ELF of each."""
    found = tuple(sorted(files))
    digest = hashlib.sha256()
    for name, content in found:
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Objects(digest.hexdigest(), found)
