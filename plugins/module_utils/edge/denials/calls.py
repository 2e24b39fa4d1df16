# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts that call the collector: a thread for each, so none waits for another's line or disk."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from ...kernel.collected import folder_of, hosts_in
from ...kernel.spool.mirror import Mirror
from ...kernel.spool.segments import BOUNDS
from ...kernel.store.place import identify
from ...model.errors import KernelError
from ...model.sending import MOST_TOLD, Batch, Collector, MessageError, answer, of_header, refusal, spool_of
from .tls import presented, watched

# So many may be at the beginning at once, known to nobody yet, and for so long (seconds); others are turned away.
_STRANGERS = 64
_HANDSHAKE = 10.0
# Between two pieces of a batch.
_PATIENCE = 60.0
_FAREWELL = 1.0
# Who is refused is told so often in a minute.
_TOLD, _MINUTE = 20, 60.0


class Calls:
    """stores: file in which this host remembers its stores."""

    def __init__(self, stores: str) -> None:
        self._stores = stores
        self._strangers = threading.BoundedSemaphore(_STRANGERS)
        # Of all that follows.
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._collector: Collector | None = None
        self._hosts: Mapping[bytes, str] = {}
        self._mirrors: dict[str, tuple[Mirror, threading.Lock]] = {}
        self._calling: dict[str, socket.socket] = {}
        self._wrong: dict[str, str] = {}
        self._minute, self._told = 0.0, 0

    def serve(self, context: ssl.SSLContext | None, collector: Collector | None, hosts: Mapping[bytes, str]) -> None:
        """From now on these (certificate → name). Who calls already, calls again."""
        with self._lock:
            self._context, self._collector, self._hosts = context, collector, hosts
            for stream in self._calling.values():
                _hang_up(stream)

    def take(self, stream: socket.socket, address: str) -> None:
        if not self._strangers.acquire(blocking=False):
            stream.close()
            self._refused(address, "too many call at once that nobody knows yet")
            return
        threading.Thread(target=self._call, args=(stream, address), daemon=True).start()

    def expire(self, now: float) -> None:
        """What is too old, of all hosts that there ever were. Raises KernelError."""
        with self._lock:
            collector = self._collector
        if collector is None:
            return
        for host in hosts_in(collector.folder):
            mirror, alone = self._mirror(collector, host)
            with alone:
                mirror.expire(now)

    def _call(self, plain: socket.socket, address: str) -> None:
        """In a thread of its own."""
        stream = None
        try:
            try:
                stream = self._wrapped(plain)
                host = self._known(stream, address) if stream is not None else None
            finally:
                self._strangers.release()
            if stream is not None and host is not None:
                self._serve(stream, host)
        finally:
            for each in (plain, stream):
                if each is not None:
                    each.close()

    def _wrapped(self, plain: socket.socket) -> ssl.SSLSocket | None:
        with self._lock:
            context = self._context
        if context is None:
            return None
        with suppress(OSError, ValueError):
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return None

    def _known(self, stream: ssl.SSLSocket, address: str) -> str | None:
        """Who calls, by the certificate that it has the key of."""
        try:
            stream.settimeout(_HANDSHAKE)
            stream.do_handshake()
        except (OSError, ValueError) as error:
            reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
            self._refused(address, f"it does not show the certificate of a host that sends here ({reason})")
            _part(stream)
            return None
        with self._lock:
            host = self._hosts.get(presented(stream))
        if host is None:
            self._refused(address, "its certificate is none of a host that sends here")
        return host

    def _serve(self, stream: ssl.SSLSocket, host: str) -> None:
        certificate = presented(stream)
        with self._lock:
            # Of two the older one is a leftover: its host would not call again otherwise.
            before = self._calling.pop(host, None)
            self._calling[host] = stream
        if before is not None:
            _hang_up(before)
        try:
            watched(stream)
            self._talk(stream, host, certificate)
        except (KernelError, MessageError) as error:
            self._say(host, str(error))
            with suppress(OSError):
                stream.sendall(refusal(str(error)))
                _part(stream)
        except OSError:
            # It went away, and calls again.
            pass
        finally:
            with self._lock:
                if self._calling.get(host) is stream:
                    del self._calling[host]

    def _talk(self, stream: ssl.SSLSocket, host: str, certificate: bytes) -> None:
        said = stream.makefile("rb")
        mark = spool_of(said.readline(MOST_TOLD))
        collector = self._still(host, certificate)
        mirror, alone = self._mirror(collector, host)
        with alone:
            at = mirror.position(mark)
        stream.sendall(answer(at))
        while True:
            stream.settimeout(None)
            line = said.readline(MOST_TOLD)
            if not line:
                return
            stream.settimeout(_PATIENCE)
            place, octets = of_header(line, BOUNDS.segment)
            data = said.read(octets)
            if len(data) < octets:
                return
            if self._still(host, certificate) != collector:
                return
            if identify(collector.store, self._stores) is None:
                raise KernelError(f"store {collector.store}", "there is none")
            with alone:
                at = mirror.take(mark, Batch(place, data), time.time())
            stream.sendall(answer(at))
            self._say(host, "")

    def _still(self, host: str, certificate: bytes) -> Collector:
        with self._lock:
            if self._collector is None or self._hosts.get(certificate) != host:
                raise MessageError(f"nothing is taken of {host} any more")
            return self._collector

    def _mirror(self, collector: Collector, host: str) -> tuple[Mirror, threading.Lock]:
        folder = folder_of(collector.folder, host)
        with self._lock:
            # One for each folder as long as this runs: whoever uses it is alone with it.
            if folder not in self._mirrors:
                self._mirrors[folder] = Mirror(folder), threading.Lock()
            return self._mirrors[folder]

    def _say(self, host: str, wrong: str) -> None:
        """Once for each host, and when it works again."""
        with self._lock:
            before = self._wrong.pop(host, "")
            if wrong:
                self._wrong[host] = wrong
        if wrong != before:
            _write(f"{host}: {wrong or 'works again'}")

    def _refused(self, address: str, why: str) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._minute >= _MINUTE:
                self._minute, self._told = now, 0
            self._told += 1
            if self._told > _TOLD:
                return
            more = "; others are refused in this minute that are not told of" if self._told == _TOLD else ""
        _write(f"refused {address}: {why}{more}")


def _hang_up(stream: socket.socket) -> None:
    """The thread that has it finds out; what TLS knows of it stays that thread's alone."""
    with suppress(OSError):
        socket.socket.shutdown(stream, socket.SHUT_RDWR)


def _part(stream: socket.socket) -> None:
    """Let it read why, before a reset takes that away: so much is heard of what it still says, and for so long."""
    with suppress(OSError):
        socket.socket.shutdown(stream, socket.SHUT_WR)
        stream.settimeout(_FAREWELL)
        for _piece in range(16):
            if not socket.socket.recv(stream, 1 << 16):
                return


def _write(words: str) -> None:
    sys.stderr.write(f"weft collect: {words}\n")
    sys.stderr.flush()
