# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading on in a spool while another process writes it: what comes after a place, and up to where was sent.

What is handed out is on the disk, for good: otherwise a power failure could take away what somebody else has already,
and put something else there.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from typing import NamedTuple

from ...model.errors import KernelError
from ...model.sending import NOTHING, Batch, Position
from .. import atomic
from .segments import MARK, Segment, segments_in

SENT = "sent.json"
# Octets that are sent at once, as far as one line is not longer.
BATCH = 256 << 10

_END = b"\n"
_MARK = re.compile("[0-9a-f]{32}")


class StrangeError(Exception):
    """A place that this spool never had: it is another one, or an older state of it."""


class Sent(NamedTuple):
    """Up to where a spool was sent. mark: of the spool."""

    mark: str
    at: Position


def mark_of(folder: str) -> str:
    """What tells a spool from all others; made where there is none. Raises KernelError."""
    path = f"{folder}/{MARK}"
    try:
        found = (atomic.read(path) or b"").decode(errors="replace").strip()
        return found if _MARK.fullmatch(found) else new_mark(folder)
    except OSError as error:
        raise _refused(folder, error) from error


def new_mark(folder: str) -> str:
    """From now on it is another spool: all that it has is sent. Raises KernelError."""
    found = os.urandom(16).hex()
    try:
        atomic.write(f"{folder}/{MARK}", f"{found}\n".encode())
        atomic.settle(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    return found


def read_after(folder: str, at: Position, most: int = BATCH) -> Batch | None:
    """The next whole lines, `most` octets or one line of more; None: there are none yet. What is gone is passed over.

    Raises StrangeError, and KernelError where the folder cannot be read.
    """
    try:
        found = segments_in(folder)
        if found and at.segment > found[-1].number:
            raise StrangeError
        for segment in found:
            if segment.number >= at.segment:
                offset = at.offset if segment.number == at.segment else 0
                if offset and (segment.began != at.began or segment.octets < offset):
                    raise StrangeError
                data = _lines(f"{folder}/{segment.name}", offset, most)
                if data:
                    return Batch(Position(segment.number, segment.began, offset), data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(folder, error) from error
    return None


def read_sent(folder: str) -> Position:
    """Up to where the spool that is there now was sent, as far as that is known; NOTHING: nothing was."""
    try:
        document = json.loads(atomic.read(f"{folder}/{SENT}") or b"")
        mark, at = str(document["mark"]), Position(*map(int, document["at"]))
        here = (atomic.read(f"{folder}/{MARK}") or b"").decode(errors="replace").strip()
    except (OSError, ValueError, KeyError, TypeError):
        return NOTHING
    return at if mark == here else NOTHING


def write_sent(folder: str, sent: Sent) -> None:
    """In one step. After a power failure it may be an older one: the collector knows better. Raises KernelError."""
    text = json.dumps({"mark": sent.mark, "at": list(sent.at)})
    try:
        atomic.write(f"{folder}/{SENT}", text.encode() + _END, durable=False)
    except OSError as error:
        raise _refused(folder, error) from error


def unsent_octets(folder: str) -> int:
    """What is still to be sent. Raises KernelError."""
    at = read_sent(folder)
    try:
        return sum(_left(segment, at) for segment in segments_in(folder))
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise _refused(folder, error) from error


def _left(segment: Segment, at: Position) -> int:
    if segment.number < at.segment:
        return 0
    return max(0, segment.octets - (at.offset if segment.number == at.segment else 0))


def _lines(path: str, offset: int, most: int) -> bytes:
    """Whole lines from there on; none where the file is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        data = os.pread(descriptor, most, offset)
        while data and _END not in data:
            more = os.pread(descriptor, most, offset + len(data))
            if not more:
                return b""
            data += more
        # After it was read: all of it was there before then.
        os.fsync(descriptor)
        return data[: data.rfind(_END) + 1]
    finally:
        with suppress(OSError):
            os.close(descriptor)


def _refused(folder: str, error: OSError) -> KernelError:
    return KernelError(f"spool {folder}", error.strerror or str(error))
