# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft audit`: tells of the packets that this host's policy denies.

Each becomes a line of JSON: to stdout, which systemd keeps in its journal, and into a spool on the disk, which
`weft denials` reads. What is counted of all of them goes to Prometheus (audit_metrics.py). Nobody's flood fills the
disk or hides another's denials (audit_share.py).
"""

from __future__ import annotations

import gc
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ...kernel.bpf.judging import Judging, judging
from ...kernel.bpf.records import counters
from ...kernel.service import announce, told_to_end
from ...kernel.spool.reader import read_sent, unsent_octets
from ...kernel.spool.writer import BOUNDS, Spool
from ...kernel.stored import current_digest
from ...model.audit import AUDIT_FOLDER, to_line
from ...model.errors import KernelError, PlanError, WeftError
from ...model.policed import BPF_FOLDER, digest_of
from ...model.sending import Position
from ...model.stored import AUDIT_UNIT, PLAN_PATH
from ..stored_plan import read_plan
from .metrics import Standing, Totals, metrics_folder, remove, text, write
from .names import Generations, Names
from .share import Shares
from .source import PATIENCE, Named, Source, Waiting

USAGE = "weft audit                                for systemd: tell of the packets that the policy denies\n"

_METRICS_EVERY = 15.0
_LOOK_EVERY = 1.0
# Records that come together are written together.
_GATHER = 0.3


class Places(NamedTuple):
    """What the service reads and writes. metrics: a folder; None: audit_metrics has one."""

    plan: str = PLAN_PATH
    bpf: str = BPF_FOLDER
    spool: str = AUDIT_FOLDER
    metrics: str | None = None


class Audit:
    """One host's audit. It reads the plan anew whenever a run has stored another one."""

    def __init__(self, places: Places = Places()) -> None:  # noqa: B008  # a value that nobody can change
        self._places = places
        self._metrics = places.metrics or metrics_folder()
        self._source = Source(places.bpf)
        self._spool: Spool | None = None
        self._generations = Generations()
        self._waiting = Waiting()
        self._shares = Shares()
        self._totals = Totals()
        self._plan_stamp: tuple[int, int] | None = None
        self._planned: str | None = None
        self._judging: Judging | None = None
        self._since = 0.0
        self._records = 0
        self._lines = 0
        self._dropped = 0
        self._expired = 0
        self._sends = False
        self._unsent = 0
        self._metrics_due = 0.0
        self._said: dict[str, str] = {}

    def fileno(self) -> int | None:
        """Readable when there is something to look at; None: nothing is loaded that could say so."""
        return self._source.fileno()

    def look(self, last: bool = False) -> None:
        """Do what is due. last: nothing waits any longer. What fails is said once, and tried again at the next look."""
        now = time.monotonic()
        self._try("plan", self._read_plan)
        self._try("programs", lambda: self._read_records(now))
        self._tell(self._waiting.ready(self._generations, now, 0.0 if last else PATIENCE), now)
        if now >= self._metrics_due or last:
            self._try("metrics", lambda: self._write_metrics(now))
            self._metrics_due = now + _METRICS_EVERY

    def end(self) -> None:
        """The last look. The metrics go: nobody keeps them true any more."""
        self.look(last=True)
        self._source.close()
        self._try("metrics", lambda: remove(self._metrics))

    def _read_plan(self) -> None:
        try:
            found = os.stat(self._places.plan)
        except FileNotFoundError:
            return
        except OSError as error:
            raise PlanError(f"the plan {self._places.plan} cannot be read ({error})") from error
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp == self._plan_stamp:
            return
        plan = read_plan(self._places.plan)
        self._plan_stamp = stamp
        self._planned = None if plan.policy is None else digest_of(plan.policy)
        self._sends = plan.audit is not None
        if plan.policy is not None and self._planned is not None:
            self._generations.policy(self._planned, Names(plan.host, plan.policy))

    def _read_records(self, now: float) -> None:
        try:
            events, other = self._source.read()
        except KernelError:
            self._judging = None
            raise
        self._records += len(events)
        self._waiting.add(events, now)
        if other:
            self._totals.anew()
        found = judging(self._places.bpf) if self._source.fileno() is not None else None
        if found != self._judging or other:
            self._judging, self._since = found, now
        if found is not None and found.stamp is not None:
            self._generations.judges(found.generation, found.stamp)

    def _tell(self, found: Sequence[Named], now: float) -> None:
        """The spool first: it is what has to be there after a power failure."""
        began = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        senders = [(event.source_identity, event.attachment) for event, _names in found]
        lines = []
        for place, held_back in self._shares.admit(senders, now):
            event, names = found[place]
            lines.append(to_line(names.denial(event, began, _interface)._replace(held_back=held_back)))
        self._lines += len(lines)
        self._try("spool", lambda: self._keep(lines))
        if lines:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()

    def _keep(self, lines: Sequence[str]) -> None:
        """A spool that failed is opened anew the next time: what was wrong with its folder may be mended by then."""
        spool, self._spool = self._spool, None
        if spool is None:
            try:
                spool = Spool(self._places.spool, sent=self._sent)
            except KernelError:
                self._dropped += len(lines)
                raise
        dropped, expired, unsent = spool.dropped, spool.expired, spool.unsent
        try:
            spool.append(lines, time.time())
            self._spool = spool
        finally:
            self._dropped += spool.dropped - dropped
            self._expired += spool.expired - expired
            self._unsent += spool.unsent - unsent

    def _sent(self) -> Position | None:
        """Up to where another process has sent the spool."""
        return read_sent(self._places.spool) if self._sends else None

    def _write_metrics(self, now: float) -> None:
        names = self._generations.newest()
        if names is None:
            return
        if self._source.fileno() is not None:
            self._totals.see(counters(self._places.bpf))
        write(self._metrics, text(self._totals.named(names), self._standing(names.host, now)))

    def _standing(self, host: str, now: float) -> Standing:
        judges, spool = self._judging, self._spool
        digest = judges.stamp if judges is not None else None
        return Standing(
            host=host,
            digest=digest,
            planned=self._planned,
            generation=judges.generation if judges is not None else 0,
            since=None if digest is None else now - self._since,
            records=self._records,
            lines=self._lines,
            held_back=self._shares.held_back,
            dropped=self._dropped,
            expired=self._expired,
            octets=spool.octets if spool is not None else 0,
            segments=spool.segments if spool is not None else 0,
            bound=BOUNDS.octets,
            unsent=self._unsent if self._sends else None,
            waiting=unsent_octets(self._places.spool) if self._sends else 0,
        )

    def _try(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except WeftError as error:
            if self._said.get(what) != str(error):
                self._said[what] = str(error)
                sys.stderr.write(f"weft audit: {error}\n")
                sys.stderr.flush()
        else:
            if self._said.pop(what, None) is not None:
                sys.stderr.write(f"weft audit: {what}: works again\n")
                sys.stderr.flush()


def _interface(index: int) -> str | None:
    with suppress(OSError):
        return socket.if_indextoname(index)
    return None


def main(arguments: list[str], places: Places = Places()) -> int:  # noqa: B008  # a value that nobody can change
    """Runs until systemd stops it, and then tells what it still has."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    # What is started for one run has no need of it; this one stays.
    gc.enable()
    ended = told_to_end()
    audit = Audit(places)
    audit.look()
    announce(AUDIT_UNIT.name, current_digest() or "")
    while not _wait(ended, audit.fileno()):
        audit.look()
    audit.end()
    return 0


def _wait(ended: int, records: int | None) -> bool:
    """Until there is something to look at; whether it is the end."""
    found = select.select([ended, *([] if records is None else [records])], [], [], _LOOK_EVERY)[0]
    if ended in found:
        return True
    return bool(found) and bool(select.select([ended], [], [], _GATHER)[0])
