# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A socket to rtnetlink: dumps that are complete, and many changes in few system calls."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from struct import Struct

from ...model.errors import KernelError
from .codec import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, Reply, Request, attributes, text

_HEADER = Struct("=IHHII")  # length, type, flags, sequence, port
_CODE = Struct("=i")

_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_NLM_F_DUMP_INTR = 0x10
_NLM_F_CAPPED = 0x100
_NLM_F_ACK_TLVS = 0x200
_NLMSGERR_ATTR_MSG = 1

_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SO_RCVBUFFORCE = 33

_BUFFER = 4 << 20
# The kernel never makes a datagram of a dump larger than 32 KiB.
_DATAGRAM = 64 << 10
# Per system call; at some 200 bytes a message this stays far below the default send buffer.
_BATCH = 128
_DUMP_TRIES = 20


class Channel:
    """Opened on the network namespace that the process is in. Raises KernelError where the kernel refuses."""

    def __init__(self) -> None:
        self._sequence = 0
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            self._socket.bind((0, 0))
        except OSError as error:
            raise KernelError("netlink", os.strerror(error.errno or 0)) from error
        # All of these are comforts: an old kernel refuses some, and everything still works.
        for level, option, value in (
            (socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER),
            (_SOL_NETLINK, _NETLINK_CAP_ACK, 1),
            (_SOL_NETLINK, _NETLINK_EXT_ACK, 1),
            (_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1),
        ):
            try:
                self._socket.setsockopt(level, option, value)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.close()

    def dump(self, subject: str, kind: int, body: bytes) -> list[Reply]:
        """Everything of one kind. A dump that was disturbed by a change meanwhile is taken again."""
        for _try in range(_DUMP_TRIES):
            self._send([Request(subject, kind, NLM_F_DUMP, body)])
            found = self._collect(subject)
            if found is not None:
                return found
        raise KernelError(subject, f"changed all the time while it was read, {_DUMP_TRIES} times in a row")

    def _collect(self, subject: str) -> list[Reply] | None:
        """The replies to one dump; None where they do not fit together or some were lost."""
        found: list[Reply] = []
        whole = True
        while True:
            try:
                buffer = self._socket.recv(_DATAGRAM)
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    return None
                raise KernelError(subject, os.strerror(error.errno or 0)) from error
            for reply in self._replies(buffer, self._sequence):
                whole = whole and not reply.flags & _NLM_F_DUMP_INTR
                if reply.kind not in (_NLMSG_DONE, _NLMSG_ERROR):
                    found.append(reply)
                    continue
                code = _code(reply)
                if code not in (0, errno.ENOENT):  # ENOENT: the routing table asked for has never been used
                    raise KernelError(subject, _reason(reply, code))
                return found if whole else None

    def carry_out(self, requests: Sequence[Request]) -> None:
        """Send all. Raises KernelError for the first that is refused; later ones of its batch may be carried out."""
        for first in range(0, len(requests), _BATCH):
            self._carry_out(requests[first : first + _BATCH])

    def _carry_out(self, batch: Sequence[Request]) -> None:
        begin = self._send(batch)
        refused: KernelError | None = None
        last = False
        # Only the last message asks to be acknowledged; of the others the kernel answers those that it refuses.
        while not last:
            for reply in self._replies(self._receive(batch[0].subject), begin):
                request = batch[reply.sequence - begin]
                last = last or reply.sequence == self._sequence
                code = _code(reply)
                if refused is None and code and code not in request.missing:
                    refused = KernelError(request.subject, _reason(reply, code))
        if refused is not None:
            raise refused

    def probe(self, request: Request) -> int:
        """Send one request that the kernel is meant to refuse; the error number, 0 where it did not refuse."""
        begin = self._send([request])
        while True:
            for reply in self._replies(self._receive(request.subject), begin):
                return _code(reply)

    def ask(self, request: Request) -> Reply:
        """The one answer to a question about one thing."""
        begin = self._send([request])
        found: Reply | None = None
        while True:
            for reply in self._replies(self._receive(request.subject), begin):
                if reply.kind != _NLMSG_ERROR:
                    found = reply
                    continue
                code = _code(reply)
                if code or found is None:
                    raise KernelError(request.subject, _reason(reply, code))
                return found

    def _receive(self, subject: str) -> bytes:
        try:
            return self._socket.recv(_DATAGRAM)
        except OSError as error:
            raise KernelError(subject, os.strerror(error.errno or 0)) from error

    def _send(self, batch: Sequence[Request]) -> int:
        """Number and send a batch; the sequence number of its first message."""
        begin = self._sequence + 1
        parts: list[bytes] = []
        for request in batch:
            self._sequence += 1
            acknowledge = NLM_F_ACK if request is batch[-1] and request.flags & NLM_F_DUMP != NLM_F_DUMP else 0
            flags = request.flags | NLM_F_REQUEST | acknowledge
            size = _HEADER.size + len(request.body)
            parts += (_HEADER.pack(size, request.kind, flags, self._sequence, 0), request.body)
        try:
            self._socket.send(b"".join(parts))
        except OSError as error:
            raise KernelError(batch[0].subject, os.strerror(error.errno or 0)) from error
        return begin

    def _replies(self, buffer: bytes, begin: int) -> Iterator[Reply]:
        """The messages of one datagram, without answers to what was asked earlier."""
        return (reply for reply in messages(buffer) if begin <= reply.sequence <= self._sequence)


def messages(buffer: bytes) -> Iterator[Reply]:
    """What is in one datagram."""
    start = 0
    while start + _HEADER.size <= len(buffer):
        size, kind, flags, sequence, _port = _HEADER.unpack_from(buffer, start)
        yield Reply(kind, flags, sequence, buffer[start + _HEADER.size : start + size])
        start += max((size + 3) & ~3, _HEADER.size)


def _code(reply: Reply) -> int:
    """The error number in NLMSG_ERROR or NLMSG_DONE, 0 for success."""
    if len(reply.body) < _CODE.size:
        return 0
    code: int = _CODE.unpack_from(reply.body)[0]
    return -code


def _reason(reply: Reply, code: int) -> str:
    """The error in words, with the kernel's own explanation where it gives one (extended acknowledgement)."""
    words = os.strerror(code)
    if reply.flags & _NLM_F_ACK_TLVS:
        start = _CODE.size
        if reply.kind == _NLMSG_ERROR:
            capped = reply.flags & _NLM_F_CAPPED
            start += _HEADER.size if capped else (_HEADER.unpack_from(reply.body, start)[0] + 3) & ~3
        more = reply.body[start:]
        span = attributes(more).get(_NLMSGERR_ATTR_MSG)
        if span:
            words += f" ({text(more, span).rstrip('.')})"
    return words
