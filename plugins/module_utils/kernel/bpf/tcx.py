# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rows of programs at the hooks of devices (TCX, kernel 6.6): the calls.

A device holds the programs of its rows itself (BPF_PROG_ATTACH). A BPF link would hold them too, and would keep others
from taking one out by its number; but who removes the file that the link is pinned at, or unmounts bpffs, removes the
program with it, and from then on everything passes. Whoever can do the one can do the other as well, so links have
nothing for us.
"""

from __future__ import annotations

import ctypes
import errno
from ctypes import byref, c_int, c_size_t, c_uint32, c_void_p

from . import calls
from .grace import at_once

# enum bpf_attach_type (linux/bpf.h).
INGRESS, EGRESS = 46, 47

_REPLACE, _BEFORE = 1 << 2, 1 << 3
# As many as a row can have: BPF_MPROG_MAX in the kernel.
_MOST = 64
# The number that the loopback link has everywhere.
_LOOPBACK = 1


class _AttachOptions(ctypes.Structure):
    """struct bpf_prog_attach_opts of libbpf 1.0; later ones have more behind it, and read its size."""

    _fields_ = [("sz", c_size_t), ("flags", c_uint32), ("replace_prog_fd", c_int)]


class _QueryOptions(ctypes.Structure):
    """struct bpf_prog_query_opts, likewise."""

    _fields_ = [
        ("sz", c_size_t),
        ("query_flags", c_uint32),
        ("attach_flags", c_uint32),
        ("prog_ids", c_void_p),
        ("prog_cnt", c_uint32),
        ("prog_attach_flags", c_void_p),
    ]


def is_there() -> bool:
    """Whether this kernel has rows. One that does not knows no such hook; raises KernelError for another reason."""
    code, _numbers = _query(_LOOPBACK, INGRESS)
    if code == -errno.EINVAL:
        return False
    calls.checked("TCX", code)
    return True


def row(subject: str, device: int, hook: int) -> list[int]:
    """The kernel's numbers of the programs there, in the order in which they see packets; none where there is no such
    device."""
    code, numbers = _query(device, hook)
    if code != -errno.ENODEV:
        calls.checked(subject, code)
    return numbers


def put(subject: str, device: int, hook: int, handle: int) -> None:
    """At the head. It may be there already."""
    _attach(subject, device, hook, handle, _AttachOptions(flags=_BEFORE))


def replace(subject: str, device: int, hook: int, handle: int, before: int) -> None:
    """In the place of another one, in one step. before: its file descriptor; nothing happens if it is gone already."""
    _attach(subject, device, hook, handle, _AttachOptions(flags=_REPLACE, replace_prog_fd=before))


def remove(subject: str, device: int, hook: int, handle: int) -> None:
    """It may be gone already, and the device too."""
    with at_once():
        code = calls.libbpf().bpf_prog_detach2(handle, device, hook)
    if code not in (-errno.ENOENT, -errno.ENODEV):
        calls.checked(subject, code)


def _attach(subject: str, device: int, hook: int, handle: int, options: _AttachOptions) -> None:
    options.sz = ctypes.sizeof(options)
    with at_once():
        code = calls.libbpf().bpf_prog_attach_opts(handle, device, hook, byref(options))
    if code not in (-errno.EEXIST, -errno.ENOENT):
        calls.checked(subject, code)


def _query(device: int, hook: int) -> tuple[int, list[int]]:
    numbers = (c_uint32 * _MOST)()
    options = _QueryOptions(ctypes.sizeof(_QueryOptions), 0, 0, ctypes.addressof(numbers), _MOST)
    code = calls.libbpf().bpf_prog_query_opts(device, hook, byref(options))
    return code, [] if code else numbers[: options.prog_cnt]
