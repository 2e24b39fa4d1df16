# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The bpf() system call, by way of libbpf.so.1.

Why libbpf and not the bare call: an object file has relocations, maps of maps with prototypes and BTF, and what a
kernel does not understand of them has to be taken out before it is loaded. libbpf does all that, is a package of every
distribution (libbpf1), and its interface has been stable since 1.0. Its thin wrappers are used for the rest as well,
so that no number of a system call is written down here.

Map contents are packed buffers: one call for thousands of entries.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_uint64, c_void_p
from functools import cache
from struct import Struct
from typing import NamedTuple

from ...model.errors import KernelError

# enum bpf_map_type, as far as used (linux/bpf.h).
HASH, ARRAY, LRU_HASH, LRU_PERCPU_HASH, LPM_TRIE, ARRAY_OF_MAPS, RINGBUF = 1, 2, 9, 10, 11, 12, 27
NO_PREALLOC = 1

_LIBRARY = "libbpf.so.1"
# A lookup of many is at its end; what is asked for is not there.
_END = -errno.ENOENT


class _CreateOptions(ctypes.Structure):
    """struct bpf_map_create_opts of libbpf 1.0; later ones have more behind it, and read its size."""

    _fields_ = [
        ("sz", c_size_t),
        *((f"btf_{name}", c_uint32) for name in ("fd", "key_type_id", "value_type_id", "vmlinux_value_type_id")),
        ("inner_map_fd", c_uint32),
        ("map_flags", c_uint32),
        ("map_extra", c_uint64),
        ("numa_node", c_uint32),
        ("map_ifindex", c_uint32),
    ]


class _MapInfo(ctypes.Structure):
    """The beginning of struct bpf_map_info."""

    _fields_ = [(name, c_uint32) for name in ("type", "id", "key_size", "value_size", "max_entries", "map_flags")]


class _ProgramInfo(ctypes.Structure):
    """The beginning of struct bpf_prog_info."""

    _fields_ = [
        ("type", c_uint32),
        ("id", c_uint32),
        ("tag", ctypes.c_ubyte * 8),
        ("_between", ctypes.c_ubyte * 48),
        ("name", ctypes.c_char * 16),
    ]


class MapInfo(NamedTuple):
    """kind: one of the map types. entries: how many it holds at most."""

    kind: int
    number: int
    key: int
    value: int
    entries: int
    flags: int


class ProgramInfo(NamedTuple):
    """number: the kernel's. tag: of the instructions, the same wherever they are loaded. name: up to 15 characters."""

    number: int
    tag: str
    name: str


_SIGNATURES = {
    "bpf_map_create": (c_int, c_int, c_char_p, c_uint32, c_uint32, c_uint32, POINTER(_CreateOptions)),
    "bpf_map_update_elem": (c_int, c_int, c_char_p, c_char_p, c_uint64),
    "bpf_map_lookup_elem": (c_int, c_int, c_char_p, c_char_p),
    "bpf_map_delete_elem": (c_int, c_int, c_char_p),
    "bpf_map_update_batch": (c_int, c_int, c_char_p, c_char_p, POINTER(c_uint32), c_void_p),
    "bpf_map_delete_batch": (c_int, c_int, c_char_p, POINTER(c_uint32), c_void_p),
    "bpf_map_lookup_batch": (c_int, c_int, c_char_p, c_char_p, c_char_p, c_char_p, POINTER(c_uint32), c_void_p),
    "bpf_obj_pin": (c_int, c_int, c_char_p),
    "bpf_obj_get": (c_int, c_char_p),
    "bpf_obj_get_info_by_fd": (c_int, c_int, c_void_p, POINTER(c_uint32)),
    "bpf_map_get_fd_by_id": (c_int, c_uint32),
    "bpf_prog_get_fd_by_id": (c_int, c_uint32),
    "bpf_prog_attach_opts": (c_int, c_int, c_int, c_int, c_void_p),
    "bpf_prog_detach2": (c_int, c_int, c_int, c_int),
    "bpf_prog_query_opts": (c_int, c_int, c_int, c_void_p),
    "libbpf_probe_bpf_prog_type": (c_int, c_int, c_void_p),
    "libbpf_probe_bpf_map_type": (c_int, c_int, c_void_p),
    "libbpf_probe_bpf_helper": (c_int, c_int, c_int, c_void_p),
    "libbpf_set_print": (c_void_p, c_void_p),
    "libbpf_num_possible_cpus": (c_int,),
    "ring_buffer__new": (c_void_p, c_int, c_void_p, c_void_p, c_void_p),
    "ring_buffer__consume": (c_int, c_void_p),
    "ring_buffer__epoll_fd": (c_int, c_void_p),
    "ring_buffer__free": (None, c_void_p),
    "bpf_object__open_mem": (c_void_p, c_char_p, c_size_t, c_void_p),
    "bpf_object__load": (c_int, c_void_p),
    "bpf_object__close": (None, c_void_p),
    "bpf_object__next_map": (c_void_p, c_void_p, c_void_p),
    "bpf_object__next_program": (c_void_p, c_void_p, c_void_p),
    "bpf_map__name": (c_char_p, c_void_p),
    "bpf_map__fd": (c_int, c_void_p),
    "bpf_map__type": (c_int, c_void_p),
    "bpf_map__key_size": (c_uint32, c_void_p),
    "bpf_map__value_size": (c_uint32, c_void_p),
    "bpf_map__map_flags": (c_uint32, c_void_p),
    "bpf_map__set_max_entries": (c_int, c_void_p, c_uint32),
    "bpf_map__reuse_fd": (c_int, c_void_p, c_int),
    "bpf_program__fd": (c_int, c_void_p),
    "bpf_program__name": (c_char_p, c_void_p),
}


@cache
def libbpf() -> ctypes.CDLL:
    """libbpf, with the types of what is used of it. Raises KernelError where it is not installed or too old."""
    try:
        found = ctypes.CDLL(_LIBRARY, use_errno=True)
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(found, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        reason = f"{_LIBRARY} cannot be used ({error}); install the package libbpf1, version 1.0 or later"
        raise KernelError("BPF", reason) from error
    return found


def checked(subject: str, code: int) -> int:
    """What a function of libbpf returned; minus an error number is raised as KernelError."""
    if code < 0:
        raise KernelError(subject, os.strerror(-code) if -code < 512 else f"not supported by this kernel ({-code})")
    return code


def make_map(name: str, kind: int, key: int, value: int, entries: int, flags: int = 0) -> int:
    """A file descriptor. key, value: sizes in bytes."""
    options = _CreateOptions(sz=ctypes.sizeof(_CreateOptions), map_flags=flags)
    code = libbpf().bpf_map_create(kind, name[:15].encode(), key, value, entries, byref(options))
    return checked(f"BPF map {name}", code)


def map_info(handle: int) -> MapInfo:
    info = _MapInfo()
    _info(handle, info)
    return MapInfo(info.type, info.id, info.key_size, info.value_size, info.max_entries, info.map_flags)


def program_info(handle: int) -> ProgramInfo:
    info = _ProgramInfo()
    _info(handle, info)
    return ProgramInfo(info.id, bytes(info.tag).hex(), info.name.decode(errors="replace"))


def _info(handle: int, info: ctypes.Structure) -> None:
    size = c_uint32(ctypes.sizeof(info))
    checked("BPF object", libbpf().bpf_obj_get_info_by_fd(handle, byref(info), byref(size)))


def map_by_number(number: int) -> int:
    """A file descriptor of the map with the kernel's number."""
    return checked(f"BPF map {number}", libbpf().bpf_map_get_fd_by_id(number))


def program_by_number(number: int) -> int | None:
    """A file descriptor of the program with the kernel's number; None: it is gone."""
    code = libbpf().bpf_prog_get_fd_by_id(number)
    return None if code == _END else checked(f"BPF program {number}", code)


def pin(handle: int, path: str) -> None:
    checked(path, libbpf().bpf_obj_pin(handle, path.encode()))


def pinned(path: str) -> int:
    """A file descriptor of what is pinned there. Raises KernelError, also where nothing is."""
    return checked(path, libbpf().bpf_obj_get(path.encode()))


def put(handle: int, key: bytes, value: bytes) -> None:
    checked("BPF map", libbpf().bpf_map_update_elem(handle, key, value, 0))


def get(handle: int, key: bytes, size: int) -> bytes | None:
    """size: of the value; of maps with one for each processor, of all. None: there is no such key."""
    value = ctypes.create_string_buffer(size)
    code = libbpf().bpf_map_lookup_elem(handle, key, value)
    if code == _END:
        return None
    checked("BPF map", code)
    return value.raw


def delete(handle: int, key: bytes) -> None:
    """It may be gone already."""
    code = libbpf().bpf_map_delete_elem(handle, key)
    if code != _END:
        checked("BPF map", code)


def put_all(subject: str, handle: int, keys: bytes, values: bytes, count: int) -> None:
    """keys, values: packed, `count` of each."""
    if count:
        checked(subject, libbpf().bpf_map_update_batch(handle, keys, values, byref(c_uint32(count)), None))


def delete_all(subject: str, handle: int, keys: bytes, count: int) -> None:
    if count:
        checked(subject, libbpf().bpf_map_delete_batch(handle, keys, byref(c_uint32(count)), None))


def read_all(subject: str, handle: int) -> dict[bytes, bytes]:
    """Everything in a map; of one with a value for each processor, those of all in a row, each padded to 8 bytes."""
    info = map_info(handle)
    size = info.value
    if info.kind == LRU_PERCPU_HASH:
        size = (info.value + 7) // 8 * 8 * checked(subject, libbpf().libbpf_num_possible_cpus())
    keys = ctypes.create_string_buffer(info.key * info.entries)
    values = ctypes.create_string_buffer(size * info.entries)
    last, following = None, ctypes.create_string_buffer(max(info.key, 4))
    found: dict[bytes, bytes] = {}
    code = 0
    # Once, unless somebody writes meanwhile.
    while code != _END:
        count = c_uint32(info.entries)
        code = libbpf().bpf_map_lookup_batch(handle, last, following, keys, values, byref(count), None)
        if code != _END:
            checked(subject, code)
        found.update(zip(_cut(keys, info.key, count.value), _cut(values, size, count.value)))
        last = following.raw
    return found


def _cut(buffer: ctypes.Array[ctypes.c_char], size: int, count: int) -> Iterator[bytes]:
    return (piece for (piece,) in Struct(f"{size}s").iter_unpack(memoryview(buffer)[: size * count]))
