# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Frames, handed to a link many at a time (sendmmsg), and how long that takes.

On the one processor that sends, the kernel carries each frame through all of the host before it takes the next one:
a veth's other end gets it when the sender's half is done, in the same call. So the time of a call is the processor's
time for all of them.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_LIBC = ctypes.CDLL(None, use_errno=True)
_MESSAGE = struct.Struct("=QIxxxxQQQQixxxxIxxxx")  # struct mmsghdr
_PIECE = struct.Struct("=QQ")  # struct iovec
_SOL_PACKET, _QDISC_BYPASS = 263, 20


class Frames:
    """Ready to be sent, in calls of `each`."""

    def __init__(self, frames: Sequence[bytes], each: int) -> None:
        self._bytes = ctypes.create_string_buffer(b"".join(frames))
        self._pieces = ctypes.create_string_buffer(len(frames) * _PIECE.size)
        self._messages = ctypes.create_string_buffer(len(frames) * _MESSAGE.size)
        at, piece = ctypes.addressof(self._bytes), ctypes.addressof(self._pieces)
        for number, frame in enumerate(frames):
            _PIECE.pack_into(self._pieces, number * _PIECE.size, at, len(frame))
            _MESSAGE.pack_into(self._messages, number * _MESSAGE.size, 0, 0, piece, 1, 0, 0, 0, 0)
            at += len(frame)
            piece += _PIECE.size
        self.each = each
        self.count = len(frames) // each * each
        self._next = 0

    def send(self, link: socket.socket, calls: int) -> list[float]:
        """The next ones; they begin anew after the last. Nanoseconds for a frame, of each call."""
        handle, base, found = link.fileno(), ctypes.addressof(self._messages), []
        for _call in range(calls):
            place = ctypes.c_void_p(base + self._next * _MESSAGE.size)
            start = time.perf_counter_ns()
            done = _LIBC.sendmmsg(handle, place, self.each, 0)
            found.append((time.perf_counter_ns() - start) / self.each)
            if done != self.each:
                raise RuntimeError(f"only {done} of {self.each} frames were sent: {os.strerror(ctypes.get_errno())}")
            self._next = (self._next + self.each) % self.count
        return found


def opened(link: str) -> socket.socket:
    """Frames go straight to the link, past its queue."""
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    found.setsockopt(_SOL_PACKET, _QDISC_BYPASS, 1)
    found.bind((link, 0))
    return found


@contextmanager
def alone(everywhere: bool = False) -> Iterator[None]:
    """On one processor, and before everything else there. For some milliseconds at a time. everywhere: on all of them,
    for what does two things at once: of two threads before everything else, one waits for the other."""
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors if everywhere else {max(processors)})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, processors)
