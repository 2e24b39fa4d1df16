# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a kernel has to have for policies, asked before anything is changed. 5.13 is the oldest that has all of it."""

from __future__ import annotations

import os
from functools import cache

from ...model.errors import KernelError
from . import calls, tcx
from .layout import ENDPOINT, PREFIX

_SCHED_CLS = 3
_MAPS = {
    calls.LRU_PERCPU_HASH: "counters for each processor (4.10)",
    calls.LPM_TRIE: "longest-prefix matches (4.11)",
    calls.ARRAY_OF_MAPS: "maps of maps (4.12)",
    calls.RINGBUF: "ring buffers (5.8)",
}
_HELPERS = {131: "ring buffers for tc programs (5.8)", 160: "the coarse clock for tc programs (5.11)"}


def missing() -> tuple[str, ...]:
    """What this kernel does not have, in words, with the kernel that has it first."""
    library = calls.libbpf()
    found = [] if library.libbpf_probe_bpf_prog_type(_SCHED_CLS, None) == 1 else ["BPF programs at tc (4.1)"]
    found += [words for kind, words in _MAPS.items() if library.libbpf_probe_bpf_map_type(kind, None) != 1]
    found += [words for number, words in _HELPERS.items() if _lacks(number)]
    return (*found, *([] if _batches() else ["many entries of a map in one call (5.13)"]))


def require() -> None:
    """Raises KernelError that names everything that is missing."""
    found = missing()
    if found:
        reason = f"kernel {os.uname().release} has no {', no '.join(found)}; policies need a newer one, as root"
        raise KernelError("BPF", reason)


@cache
def has_tcx() -> bool:
    """Whether programs get to their hooks by TCX (6.6); where not, by clsact, which every kernel has. The kernel is
    asked once: it stays as it is."""
    return tcx.is_there()


def _lacks(helper: int) -> bool:
    return calls.libbpf().libbpf_probe_bpf_helper(_SCHED_CLS, helper, None) != 1


def _batches() -> bool:
    """Of prefixes, which had them last."""
    try:
        handle = calls.make_map("weft_probe", calls.LPM_TRIE, PREFIX.size, ENDPOINT.size, 1, calls.NO_PREALLOC)
    except KernelError:
        return False
    try:
        calls.put_all("BPF", handle, PREFIX.pack(0, 0, bytes(16)), bytes(ENDPOINT.size), 1)
    except KernelError:
        return False
    finally:
        os.close(handle)
    return True
