# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host's kernel judges packets by, as an object of its state."""

from __future__ import annotations

from typing import NamedTuple

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
