# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft collect`: takes the denials of all hosts, each into a folder of its own below the store.

Whose they are says the certificate of the connection that they come by, and nothing in them. What is acknowledged is on
the disk.
"""

from __future__ import annotations

import gc
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...kernel import collected
from ...kernel.keys.certificates import AUDIT_KEY
from ...kernel.service import announce, told_to_end
from ...kernel.store.place import MEMORY
from ...kernel.stored import current_digest
from ...model.errors import WeftError
from ...model.sending import Collector
from ...model.stored import COLLECT_UNIT, PLAN_PATH
from ..followed_plan import FollowedPlan
from .calls import Calls
from .tls import der, is_known, listening

USAGE = "weft collect [prepare]                    for systemd: take the denials of all hosts\n"

# Seconds.
_LOOK_EVERY = 1.0
_FOLDER_EVERY = 5.0
_EXPIRE_EVERY = 3600.0
_WAITING = 128
# ip(7), ipv6(7): an address that this host does not have yet may be listened on.
_IP_FREEBIND, _IPV6_FREEBIND = 15, 78


class Places(NamedTuple):
    plan: str = PLAN_PATH
    key: str = AUDIT_KEY
    stores: str = MEMORY


class Collecting:
    """Follows the plan. over: whether this process has to begin anew."""

    def __init__(self, places: Places = Places()) -> None:  # noqa: B008  # a value that nobody can change
        self._places = places
        self._plan = FollowedPlan(places.plan)
        self._collector: Collector | None = None
        self._doors: list[socket.socket] = []
        self._calls = Calls(places.stores)
        self._said: dict[str, str] = {}
        self._folder_due = 0.0
        self._expire_due = 0.0
        self._ready = False
        self.over = False

    def filenos(self) -> Sequence[socket.socket]:
        """Readable when somebody calls."""
        return self._doors

    def look(self) -> None:
        """Do what is due. What fails is said once, and tried again."""
        now = time.monotonic()
        self._follow()
        if now >= self._folder_due:
            self._folder_due = now + _FOLDER_EVERY
            self._try("store", self._look_at_the_store)
        if self._ready and now >= self._expire_due:
            self._expire_due = now + _EXPIRE_EVERY
            self._try("age", lambda: self._calls.expire(time.time()))
        if self._ready and self._collector is not None and not self._doors:
            self._try("door", self._open)

    def answer(self, doors: Sequence[socket.socket]) -> None:
        for door in doors:
            # Gone before it was taken, or there is no room for one more: whoever called comes again.
            with suppress(OSError):
                stream, address = door.accept()
                self._calls.take(stream, str(address[0]))

    def close(self) -> None:
        for door in self._doors:
            door.close()
        self._doors = []

    def _follow(self) -> None:
        """A plan that cannot be read is told of once, and the one before goes on."""
        try:
            plan = self._plan.current()
        except WeftError as error:
            say(str(error))
            return
        collector = plan.collector if plan is not None else None
        if collector == self._collector:
            return
        self.close()
        self._collector, self._ready = collector, False
        self._folder_due = 0.0
        self._calls.serve(None, None, {})

    def _look_at_the_store(self) -> None:
        """Where the disk of the store comes or goes while this runs."""
        one = self._collector
        if one is None:
            return
        try:
            self._ready = collected.is_ready(one.store, one.folder, self._places.stores)
        except WeftError:
            self._ready = False
            self.close()
            raise
        if not self._ready:
            # What this process may write to was decided when it began.
            self.over = True

    def _open(self) -> None:
        one = self._collector
        if one is None:
            return
        known = {der(certificate): host for host, certificate in one.hosts if is_known(certificate)}
        context = listening([pem for _host, pem in one.hosts if is_known(pem)], self._places.key)
        self._calls.serve(context, one, known)
        try:
            for address in one.addresses:
                self._doors.append(_door(address, one.port))
        except OSError as error:
            self.close()
            raise WeftError(f"port {one.port} cannot be listened on: {error.strerror or error}") from error

    def _try(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except WeftError as error:
            if self._said.get(what) != str(error):
                self._said[what] = str(error)
                say(str(error))
        else:
            if self._said.pop(what, None) is not None:
                say(f"{what}: works again")


def _door(address: str, port: int) -> socket.socket:
    six = ":" in address
    door = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.setsockopt(*((socket.IPPROTO_IPV6, _IPV6_FREEBIND) if six else (socket.IPPROTO_IP, _IP_FREEBIND)), 1)
        door.bind((address, port))
        door.listen(_WAITING)
        door.setblocking(False)
    except OSError:
        door.close()
        raise
    return door


def say(words: str) -> None:
    sys.stderr.write(f"weft collect: {words}\n")
    sys.stderr.flush()


def prepare(places: Places) -> int:
    """Before the service is shut in: its folder, where there is a store. It runs without one too, and waits for it."""
    try:
        plan = FollowedPlan(places.plan).current()
        if plan is not None and plan.collector is not None:
            collected.prepare(plan.collector.store, plan.collector.folder, places.stores)
    except WeftError as error:
        say(str(error))
    return 0


def main(arguments: list[str], places: Places = Places()) -> int:  # noqa: B008  # a value that nobody can change
    """Runs until systemd stops it; 1: it has to be started again, for there is a store now."""
    if arguments[1:] == ["prepare"]:
        return prepare(places)
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    # What is started for one run has no need of it; this one stays.
    gc.enable()
    # One for each host, which do little.
    threading.stack_size(512 << 10)
    ended = told_to_end()
    collecting = Collecting(places)
    collecting.look()
    announce(COLLECT_UNIT.name, current_digest() or "")
    while not collecting.over:
        found = select.select([ended, *collecting.filenos()], [], [], _LOOK_EVERY)[0]
        if ended in found:
            return 0
        collecting.answer([door for door in found if isinstance(door, socket.socket)])
        collecting.look()
    say("there is a store, and this process may not write to it: it begins anew")
    return 1
