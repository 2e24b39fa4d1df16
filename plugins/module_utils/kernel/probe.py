# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Echo requests of every size (RFC 792, RFC 4443), to many hosts at once: who answers, and the path MTU measured.

ping(8) is in a package of its own, and one process for each size of each way would take long. Packets are never cut up
on their way (IP_PMTUDISC_PROBE), and what the kernel has learned of path MTUs before does not count.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Sequence

from ..model.errors import KernelError
from ..model.probe import Answer, Probe

# In all, and between greetings of those who are silent.
SECONDS = 6.0
_GREETING, _GREETINGS = 0.5, 4
# Sizes that are asked for at once, each so many times: one packet may get lost.
_SIZES = 8
_TIMES = 2
_SMALLEST = 84
_LARGEST = 65535
_SHORTEST, _LONGEST = 0.2, 0.8

_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PROBE = 10, 23, 3
_IPV6_DONTFRAG = 62
_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_SO_RCVBUFFORCE = 33
# (request, answer, octets of the IP header)
_V4, _V6 = (8, 0, 20), (128, 129, 40)
_HEADER = struct.Struct("!BBHHH")


def probe(probes: Iterable[Probe], seconds: float = SECONDS) -> tuple[Answer, ...]:
    """Answers in the order of the probes, within `seconds`. Raises KernelError where nothing can be asked at all."""
    wanted = list(probes)
    asked = {address: _Target(address) for address in dict.fromkeys(one.address for one in wanted)}
    with _Sockets() as sockets:
        _ask(sockets, list(asked.values()), time.monotonic() + seconds)
    return tuple(Answer(*one, *asked[one.address].answer()) for one in wanted)


class _Target:
    """low: the largest size that was answered, 0: none was. high: the smallest one known not to come back."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.low, self.high = 0, _LARGEST + 1
        self.limit = 0
        self.trip: float | None = None
        self.words = ""
        self.waiting: set[int] = set()

    def answer(self) -> tuple[bool, float, int, str]:
        trip = 0.0 if self.trip is None else round(self.trip * 1000, 2)
        return self.trip is not None, trip, self.low, self.words

    def heard(self, size: int, trip: float) -> None:
        self.trip = trip if self.trip is None else min(self.trip, trip)
        self.low = max(self.low, size)
        self.waiting = {asked for asked in self.waiting if asked > self.low}

    def done(self) -> bool:
        return bool(self.limit) and not self.sizes()

    def sizes(self) -> list[int]:
        """What to ask for next, between what is known; [] where nothing is open."""
        room = self.high - self.low - 1
        return sorted({self.low + max(1, room * step // _SIZES) for step in range(1, _SIZES + 1)}) if room > 0 else []


class _Sockets:
    """A raw socket for each family. A context manager."""

    def __init__(self) -> None:
        self._mark = int.from_bytes(os.urandom(2), "big")
        self._number = 0
        self._sent: dict[int, tuple[_Target, int, float]] = {}
        self._open: dict[int, socket.socket] = {}

    def __enter__(self) -> _Sockets:  # noqa: PYI034  # typing.Self is newer than Python 3.9
        return self

    def __exit__(self, *_exception: object) -> None:
        for opened in self._open.values():
            opened.close()

    def send(self, target: _Target, size: int) -> bool:
        """False: the host itself does not send so large a packet, or none at all; then the target's words say why."""
        request, _answer, header = _V6 if target.family == socket.AF_INET6 else _V4
        self._number = (self._number + 1) & 0xFFFF
        self._sent[self._number] = (target, size, time.monotonic())
        total = sum((request << 8, self._mark, self._number))
        folded = (total & 0xFFFF) + (total >> 16)
        head = _HEADER.pack(request, 0, ~((folded & 0xFFFF) + (folded >> 16)) & 0xFFFF, self._mark, self._number)
        try:
            self._socket(target.family).sendto(head + bytes(size - header - len(head)), (target.address, 0))
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return True
            if error.errno != errno.EMSGSIZE:
                target.words = error.strerror or str(error)
            return False
        return True

    def listen(self, until: float) -> bool:
        """Take what has come by then; False when the time is over."""
        left = until - time.monotonic()
        ready = select.select(list(self._open.values()), [], [], left)[0] if left > 0 else []
        for opened in ready:
            data, source = opened.recvfrom(_LARGEST + 1)
            self._take(opened.family, data, source[0])
        return bool(ready)

    def _take(self, family: int, data: bytes, source: str) -> None:
        _request, answer, header = _V6 if family == socket.AF_INET6 else _V4
        # With its IP header in IPv4 alone.
        start = (data[0] & 15) * 4 if family == socket.AF_INET else 0
        if len(data) < start + _HEADER.size:
            return
        kind, _code, _sum, mark, number = _HEADER.unpack_from(data, start)
        target, size, sent = self._sent.get(number, (None, 0, 0.0))
        if target is None or (kind, mark) != (answer, self._mark) or source.partition("%")[0] != target.address:
            return
        if len(data) - start + header == size:
            target.heard(size, time.monotonic() - sent)

    def _socket(self, family: int) -> socket.socket:
        if family not in self._open:
            try:
                self._open[family] = _open(family)
            except OSError as error:
                raise KernelError("echo requests", error.strerror or str(error)) from error
        return self._open[family]


def _open(family: int) -> socket.socket:
    six = family == socket.AF_INET6
    opened = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 58 if six else 1)
    if six:
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PROBE)
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_DONTFRAG, 1)
        # Of what comes, only answers: a bit for each type that is kept away.
        kept = bytearray(b"\xff" * 32)
        word = int.from_bytes(kept[16:20], "little") & ~(1 << (129 & 31))
        kept[16:20] = word.to_bytes(4, "little")
        opened.setsockopt(58, _ICMPV6_FILTER, bytes(kept))
    else:
        opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)
        opened.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~1))
    opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
    return opened


def _ask(sockets: _Sockets, targets: Sequence[_Target], end: float) -> None:
    """In rounds: who is silent is greeted again, who has answered is asked for sizes. An answer may be late: neighbours
    have to be found first, and tunnels to shake hands."""
    greeted = 0
    while time.monotonic() < end:
        silent = [target for target in targets if target.trip is None]
        greeting = bool(silent) and greeted < _GREETINGS
        for target in silent if greeting else ():
            sockets.send(target, _SMALLEST)
        greeted += 1
        open_ = [target for target in targets if target.trip is not None and not target.done()]
        for target in open_:
            _ask_sizes(sockets, target)
        if not open_ and not greeting:
            return
        _listen(sockets, open_, silent if greeting else [], end)
        for target in open_:
            target.high = min([target.high, *target.waiting])


def _ask_sizes(sockets: _Sockets, target: _Target) -> None:
    sizes = target.sizes()
    if not target.limit:
        _find_limit(sockets, target)
        sizes = [target.limit]
    target.waiting = {size for size in sizes if size > target.low}
    for size in sorted(target.waiting) * _TIMES:
        if not sockets.send(target, size):
            target.high = min(target.high, size)


def _listen(sockets: _Sockets, targets: Sequence[_Target], silent: Sequence[_Target], end: float) -> None:
    """As long as answers may come: some times what the slowest took so far."""
    slowest = max((target.trip or 0.0 for target in targets), default=0.0)
    patience = max(_SHORTEST, 5 * slowest, _GREETING if silent else 0.0)
    until = min(end, time.monotonic() + min(_LONGEST, patience))
    while any(target.waiting for target in targets) or any(target.trip is None for target in silent):
        if not sockets.listen(until):
            return


def _find_limit(sockets: _Sockets, target: _Target) -> None:
    """The largest packet that the host itself sends there, found by sending: what goes out is asked for by the way."""
    low, high = _SMALLEST, target.high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sockets.send(target, middle) else (low, middle)
    target.limit, target.high = low, low + 1
    # A failed larger one is no failure of the way.
    target.words = ""
