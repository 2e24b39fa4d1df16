# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft send`: sends the denials in this host's spool to where those of all hosts are collected.

It is a process of its own: whatever becomes of it, the audit goes on writing, and the spool holds what was not sent. It
keeps nothing in memory that would be missed, so it may be ended at any moment.
"""

from __future__ import annotations

import gc
import os
import random
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from ...kernel.keys.certificates import AUDIT_KEY
from ...kernel.service import announce
from ...kernel.spool.reader import Sent, StrangeError, mark_of, new_mark, read_after, write_sent
from ...kernel.stored import current_digest
from ...model.audit import AUDIT_FOLDER
from ...model.errors import WeftError
from ...model.sending import MOST_TOLD, Audit, MessageError, RefusedError, header, hello, of_answer
from ...model.stored import PLAN_PATH, SEND_UNIT
from ..followed_plan import FollowedPlan
from .tls import calling, der, is_known, presented, watched

USAGE = "weft send                                 for systemd: send denials to where all hosts' are collected\n"

# Seconds.
_LOOK_EVERY = 1.0
_PATIENCE = 30.0
_CONNECT = 10.0
_FIRST, _LONGEST = 1.0, 60.0


class Places(NamedTuple):
    plan: str = PLAN_PATH
    spool: str = AUDIT_FOLDER
    key: str = AUDIT_KEY


class Backoff:
    """How long to wait after a failure: twice as long each time, and never as long as others who failed with us."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._next = _FIRST

    def seconds(self) -> float:
        found = self._next * (0.5 + self._chance() / 2)
        self._next = min(2 * self._next, _LONGEST)
        return found

    def over(self) -> None:
        self._next = _FIRST


class Connection:
    """To a collector. Raises OSError, MessageError, RefusedError and KernelError."""

    def __init__(self, audit: Audit, places: Places) -> None:
        self._folder = places.spool
        self.mark = mark_of(self._folder)
        self._stream = _connected(audit, places.key)
        self._said = self._stream.makefile("rb")
        self._at = self._asked(hello(self.mark))
        write_sent(self._folder, Sent(self.mark, self._at))

    def step(self) -> bool:
        """Send what is next; whether there was something."""
        try:
            batch = read_after(self._folder, self._at)
        except StrangeError:
            new_mark(self._folder)
            raise MessageError("the collector has what this spool never had; all that is here is sent to it") from None
        if batch is None:
            return False
        # After reading: what was read is then of the spool that the collector was told of.
        if mark_of(self._folder) != self.mark:
            raise MessageError("the spool is another one now")
        at = self._asked(header(batch) + batch.data)
        if at == self._at:
            raise MessageError("the collector does not take what follows what it has")
        self._at = at
        write_sent(self._folder, Sent(self.mark, at))
        return True

    def close(self) -> None:
        with suppress(OSError):
            self._said.close()
            self._stream.close()

    def _asked(self, data: bytes) -> Any:
        """What the collector answers."""
        try:
            self._stream.sendall(data)
        except OSError:
            # Whoever refuses says why before closing.
            line = b""
            with suppress(OSError):
                line = self._said.readline(MOST_TOLD)
            if line:
                return of_answer(line)
            raise
        line = self._said.readline(MOST_TOLD)
        if not line:
            raise MessageError("the collector has ended the connection")
        return of_answer(line)


def _connected(audit: Audit, key: str) -> ssl.SSLSocket:
    """To the first of the addresses that answers."""
    context = calling(audit.certificate, key)
    for number, address in enumerate(audit.addresses, 1):
        try:
            plain = socket.create_connection((address, audit.port), timeout=_CONNECT)
            break
        except OSError as error:
            if number == len(audit.addresses):
                raise OSError(error.errno, f"{address} port {audit.port}: {error.strerror or error}") from error
    try:
        plain.settimeout(_PATIENCE)
        watched(plain)
        stream = context.wrap_socket(plain)
        if presented(stream) != der(audit.certificate):
            raise MessageError("who answers is not the collector: its certificate is another one")
        return stream
    except BaseException:
        plain.close()
        raise


class Sender:
    """Says once what is wrong, and when it works again."""

    def __init__(self, places: Places = Places()) -> None:  # noqa: B008  # a value that nobody can change
        self._places = places
        self._plan = FollowedPlan(places.plan)
        self._connection: Connection | None = None
        self._audit: Audit | None = None
        self._backoff = Backoff()
        self._said = ""

    def turn(self) -> float:
        """Do what is due; how long to wait then, in seconds."""
        try:
            moved = self._turn()
        except (OSError, MessageError, RefusedError, WeftError) as error:
            self.close()
            self._say(_words(error))
            return self._backoff.seconds()
        self._backoff.over()
        if self._said and self._connection is not None:
            self._say("")
        return 0.0 if moved else _LOOK_EVERY

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _turn(self) -> bool:
        if self._plan.changed() or self._audit is None:
            plan = self._plan.current()
            audit = plan.audit if plan is not None else None
            if audit != self._audit:
                self.close()
            self._audit = audit
        if self._audit is None or not is_known(self._audit.certificate):
            return False
        if self._connection is None:
            self._connection = Connection(self._audit, self._places)
        return self._connection.step()

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            sys.stderr.write(f"weft send: {words or 'works again'}\n")
            sys.stderr.flush()


def _words(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return f"the collector refuses: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "who answers is not the collector: its certificate is another one"
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        return f"the collector does not accept this host's certificate ({error.reason})"
    if isinstance(error, OSError):
        return f"the collector cannot be reached: {error.strerror or error}"
    return str(error)


def main(arguments: list[str], places: Places = Places()) -> int:  # noqa: B008  # a value that nobody can change
    """Runs until systemd stops it."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    # What is started for one run has no need of it; this one stays.
    gc.enable()
    # Whatever it is at: all that it writes is written in one step, and the collector knows up to where it has come.
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(0))
    sender = Sender(places)
    announce(SEND_UNIT.name, current_digest() or "")
    while True:
        time.sleep(sender.turn())
