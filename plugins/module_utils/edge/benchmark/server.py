# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The server's end of a benchmark: iperf3 on VPN addresses, in the background.

It lasts until it is told to stop, or until nobody has measured for a while: a controller that vanishes leaves nothing
behind. Who may speak to it is decided by the mode of its socket.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import syslog
import time
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from ...model.errors import KernelError
from .iperf import Iperf, Listener

SOCKET = "/run/weft-benchmark.sock"
_SUBJECT = "the server's end of the benchmark"
_LISTENING = "listening"
_STOP = b"stop"
# Seconds: iperf3 listens after milliseconds, or never.
_PATIENCE = 10


def start(listeners: Sequence[Listener], port: int, idle: float) -> None:
    """Returns when every address is listened on. idle: seconds without a test after which it ends by itself.

    Raises KernelError where one cannot be, or where another benchmark is running on this host.
    """
    control = _control()
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _background(End(control, listeners, port), writer, idle)
    os.close(writer)
    control.close()
    with open(reader, encoding="utf-8") as stream:
        told = stream.read()
    if told != _LISTENING:
        raise KernelError(_SUBJECT, told or "ended without a word")


def stop() -> list[dict[str, Any]] | None:
    """What every test cost this machine, as Iperf.read says, in order; None: nothing was running. It is gone then."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_PATIENCE)
        try:
            client.connect(SOCKET)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        client.sendall(_STOP)
        with client.makefile("rb") as stream:
            told = stream.read()
    if not told:
        raise KernelError(_SUBJECT, "ended before it told what the tests cost; the host's journal says why")
    found: list[dict[str, Any]] = json.loads(told)
    return found


class End:
    """The process in the background."""

    def __init__(self, control: socket.socket, listeners: Sequence[Listener], port: int) -> None:
        self._control = control
        self._tests: list[dict[str, Any]] = []
        self._selector = selectors.DefaultSelector()
        self._servers: list[Iperf] = []
        self._listeners = listeners
        self._port = port

    def open(self) -> None:
        """Raises KernelError where an address cannot be listened on."""
        for listener in self._listeners:
            server = Iperf(listener, self._port)
            self._servers.append(server)
            self._selector.register(server.stream, selectors.EVENT_READ, server)
        end = time.monotonic() + _PATIENCE
        while not all(server.listens for server in self._servers):
            if time.monotonic() > end:
                raise KernelError("iperf3", f"does not listen after {_PATIENCE} s")
            self._turn()
        self._selector.register(self._control, selectors.EVENT_READ, None)

    def run(self, idle: float) -> None:
        """Until somebody asks for the tests, who gets them, or until nothing was heard for `idle` seconds."""
        latest = time.monotonic()
        while time.monotonic() - latest < idle:
            asked, heard = self._turn()
            latest = time.monotonic() if heard else latest
            if asked and self._answered():
                return

    def _answered(self) -> bool:
        connection, _address = self._control.accept()
        with connection:
            connection.settimeout(_PATIENCE)
            # Another benchmark that wants to begin only tries whether somebody is here.
            if connection.recv(len(_STOP)) != _STOP:
                return False
            # Gone first: who is told the tests may rely on it.
            self.close()
            connection.sendall(json.dumps(self._tests).encode())
        return True

    def close(self) -> None:
        for server in self._servers:
            server.stop()
        self._servers = []
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)

    def _turn(self) -> tuple[bool, bool]:
        """(whether the tests were asked for, whether an iperf3 said something)."""
        ready = [key.data for key, _events in self._selector.select(timeout=1)]
        for server in ready:
            if server is not None:
                self._tests += server.read()
        return None in ready, any(server is not None for server in ready)


def _control() -> socket.socket:
    """The socket that stop() speaks to; one is there at a time, and so is one benchmark."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(SOCKET)
            raise KernelError(
                _SUBJECT,
                "another benchmark is running on this host; wait for its end (one that was broken off ends by itself)",
            )
        except FileNotFoundError:
            pass
        except ConnectionRefusedError:
            os.unlink(SOCKET)
    control = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        control.bind(SOCKET)
    finally:
        os.umask(before)
    control.listen(1)
    return control


def _background(end: End, writer: int, idle: float) -> NoReturn:
    """The life of the process in the background. What goes wrong is told to start(), or later to the journal."""
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    ready = False
    try:
        end.open()
        os.write(writer, _LISTENING.encode())
        os.close(writer)
        ready = True
        end.run(idle)
    except Exception as error:  # noqa: BLE001  # nobody is above who could say it
        reason = str(error) if isinstance(error, KernelError) else traceback.format_exc()
        if ready:
            syslog.syslog(syslog.LOG_ERR, f"weft benchmark: {reason}")
        else:
            os.write(writer, reason.encode())
    finally:
        end.close()
        os._exit(0)
