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
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_int, c_size_t, c_uint32, c_void_p

from . import calls

# enum bpf_attach_type (linux/bpf.h).
INGRESS, EGRESS = 46, 47

_REPLACE, _BEFORE = 1 << 2, 1 << 3
# As many as a row can have: BPF_MPROG_MAX in the kernel.
_MOST = 64
# The number that the loopback link has everywhere.
_LOOPBACK = 1
_EXPEDITED = "/sys/kernel/rcu_expedited"


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
    with _at_once():
        code = calls.libbpf().bpf_prog_detach2(handle, device, hook)
    if code not in (-errno.ENOENT, -errno.ENODEV):
        calls.checked(subject, code)


def _attach(subject: str, device: int, hook: int, handle: int, options: _AttachOptions) -> None:
    options.sz = ctypes.sizeof(options)
    with _at_once():
        code = calls.libbpf().bpf_prog_attach_opts(handle, device, hook, byref(options))
    if code not in (-errno.EEXIST, -errno.ENOENT):
        calls.checked(subject, code)


def _query(device: int, hook: int) -> tuple[int, list[int]]:
    numbers = (c_uint32 * _MOST)()
    options = _QueryOptions(ctypes.sizeof(_QueryOptions), 0, 0, ctypes.addressof(numbers), _MOST)
    code = calls.libbpf().bpf_prog_query_opts(device, hook, byref(options))
    return code, [] if code else numbers[: options.prog_cnt]


@contextmanager
def _at_once() -> Iterator[None]:
    """A row that gets longer or shorter is another row, and the kernel waits until no processor is in the one before
    (synchronize_rcu), while nobody else may change any network device: measured, 13 ms for each program, more than six
    seconds on a hub with 255 tunnels; and 20 us where it does not wait for an occasion. For as long as the call takes,
    it is asked not to (kernel-parameters.txt: rcupdate.rcu_expedited). A setting that somebody made stays; where it
    cannot be written the call takes its time."""
    turned = _turn("0", "1")
    try:
        yield
    finally:
        if turned:
            _turn("1", "0")


def _turn(before: str, after: str) -> bool:
    try:
        with open(_EXPEDITED, encoding="ascii") as switch:
            if switch.read().strip() != before:
                return False
        with open(_EXPEDITED, "w", encoding="ascii") as switch:
            switch.write(after)
    except OSError:  # a container's /sys is read-only, and small kernels have no such switch
        return False
    return True
