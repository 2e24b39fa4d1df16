# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a busy kernel does to a dump, played back: interruptions, lost datagrams, answers to older questions."""

from __future__ import annotations

import errno
import os
import struct
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.channel import Channel
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.codec import Request
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

MULTI, INTERRUPTED, DONE, ERROR, LINK = 0x2, 0x10, 3, 2, 16


def message(kind: int, sequence: int, body: bytes, flags: int = MULTI) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0) + body


def done(sequence: int, code: int = 0) -> bytes:
    return message(DONE, sequence, struct.pack("=i", -code))


class Played:
    """A socket that answers what it was given, an exception by raising it."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.sent = 0

    def send(self, _data: bytes) -> None:
        self.sent += 1

    def recv(self, _size: int) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return bytes(answer)


def dump(answers: list[Any]) -> tuple[list[bytes], int]:
    channel = Channel()
    channel.close()
    played = Played(answers)
    channel._socket = played
    found = channel.dump("links", 18, b"")
    assert played.answers == []
    return [reply.body for reply in found], played.sent


def test_a_dump_of_several_datagrams_is_one_list() -> None:
    answers = [message(LINK, 1, b"aaaa") + message(LINK, 1, b"bbbb"), message(LINK, 1, b"cccc"), done(1)]
    assert dump(answers) == ([b"aaaa", b"bbbb", b"cccc"], 1)


def test_a_dump_that_was_interrupted_is_taken_again() -> None:
    answers = [message(LINK, 1, b"old.", MULTI | INTERRUPTED), done(1), message(LINK, 2, b"new."), done(2)]
    assert dump(answers) == ([b"new."], 2)


def test_a_dump_of_which_a_part_was_lost_is_taken_again_and_late_parts_are_dropped() -> None:
    lost = OSError(errno.ENOBUFS, "No buffer space available")
    answers = [message(LINK, 1, b"old."), lost, message(LINK, 1, b"late") + done(1), message(LINK, 2, b"new."), done(2)]
    assert dump(answers) == ([b"new."], 2)


def test_a_dump_that_never_settles_is_an_error() -> None:
    answers = [part for n in range(1, 21) for part in (message(LINK, n, b"", INTERRUPTED), done(n))]
    with pytest.raises(KernelError, match=r"^links: changed all the time while it was read"):
        dump(answers)


def test_a_routing_table_that_was_never_used_is_an_empty_one() -> None:
    assert dump([done(1, errno.ENOENT)]) == ([], 1)


def test_a_dump_that_the_kernel_refuses_is_an_error_in_its_words() -> None:
    with pytest.raises(KernelError, match=r"^links: Operation not permitted$"):
        dump([message(ERROR, 1, struct.pack("=i", -errno.EPERM) + bytes(16), 0)])


def channel(answers: list[Any]) -> Channel:
    found = Channel()
    found.close()
    found._socket = Played(answers)
    return found


@pytest.mark.parametrize("code", [errno.ENOMEM, errno.ENOBUFS])
@pytest.mark.parametrize("call", ["carry_out", "probe", "ask"])
def test_a_kernel_without_memory_for_an_answer_is_an_error_that_names_what_was_asked(call: str, code: int) -> None:
    words = os.strerror(code)
    request = Request("link vxkr1", 16, 0, b"")
    with pytest.raises(KernelError, match=f"^link vxkr1: {words}$"):
        getattr(channel([OSError(code, words)]), call)([request] if call == "carry_out" else request)
