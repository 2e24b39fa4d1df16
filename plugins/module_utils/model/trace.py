# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What lies on a host's disk in folders that are weft's alone, beside the plan: data, and the code itself."""

from __future__ import annotations

from typing import NamedTuple

STATE_ROOT = "/var/lib/weft"
RUN_ROOT = "/run/weft"

# What else nobody has: private keys, and files that hold some. A store, and what the host knows of its stores.
KEYS, STORE, OWN = "keys", "store", "own"


class Trace(NamedTuple):
    """A file or folder. sort: KEYS, STORE or OWN. words: what is lost with it, "": nothing that a reader would miss."""

    path: str
    sort: str = OWN
    words: str = ""

    def key(self) -> str:
        return self.path


class Spared(NamedTuple):
    """What stays on a host that weft leaves. keys: private keys and files of clients. stores: what a NAS keeps."""

    keys: bool = False
    stores: bool = True

    def holds(self, trace: Trace) -> bool:
        return (self.keys and trace.sort == KEYS) or (self.stores and trace.sort == STORE)
