# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What libbpf says while it works: kept, so that an error can say why, and never printed."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

from .calls import libbpf

_DEBUG = 2
# A log of the verifier is one line to libbpf; what matters stands at its end.
_LINE = 1 << 20
# A va_list is an array or a large structure on 64-bit machines; a function gets its address either way.
_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_LIBC = ctypes.CDLL(None)
_LIBC.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]


@contextmanager
def said() -> Iterator[list[str]]:
    """Collects libbpf's warnings; the verifier's log is among them."""
    lines: list[str] = []

    def keep(level: int, form: bytes, arguments: int) -> int:
        if level < _DEBUG:
            line = ctypes.create_string_buffer(_LINE)
            _LIBC.vsnprintf(line, _LINE, form, arguments)
            lines.append(line.value.decode(errors="replace").rstrip())
        return 0

    callback = _PRINT(keep)
    before = libbpf().libbpf_set_print(ctypes.cast(callback, ctypes.c_void_p))
    try:
        yield lines
    finally:
        libbpf().libbpf_set_print(before)
