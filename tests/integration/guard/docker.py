# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What of Docker the guard speaks to: HTTP on a socket, with a stream of events.

As the real one it tells of an address before the container runs, describes a container only when nobody is at work on
it, and filters what it is asked to filter.
"""

from __future__ import annotations

import json
import os
import queue
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

NETWORK = "kohakuriver-overlay"


class Container(NamedTuple):
    """sandbox: path of its network namespace. ends: addresses of both families by network. mac: in all of them.
    labels: as Docker has them, None where there are none."""

    name: str
    sandbox: str
    ends: dict[str, tuple[str, str]]
    mac: str = ""
    labels: dict[str, str] | None = None

    def networks(self) -> dict[str, Any]:
        return {
            name: {"IPAddress": end[0], "GlobalIPv6Address": end[1], "MacAddress": self.mac}
            for name, end in self.ends.items()
        }

    def listed(self) -> dict[str, Any]:
        return {"Id": self.name, "Names": ["/" + self.name], "NetworkSettings": {"Networks": self.networks()}}

    def whole(self) -> dict[str, Any]:
        settings = {"SandboxKey": self.sandbox, "Networks": self.networks()}
        whole = {"Id": self.name, "Name": "/" + self.name, "State": {"Running": True}, "NetworkSettings": settings}
        return {**whole, "Config": {"Labels": self.labels}}


class Docker:
    """Runs from start() to stop(). asked: the paths of all questions."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "docker.sock")
        self.pid = str(folder / "docker.pid")
        self.asked: list[str] = []
        self.running: dict[str, Container] = {}
        # Those that are at work on somebody, whom nobody describes until they are done.
        self.busy: dict[str, threading.Event] = {}
        self.listeners: list[queue.Queue[bytes | None]] = []
        self._server: _Server | None = None

    def start(self) -> None:
        self._server = _Server(self.socket, _Answer)
        self._server.docker = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        Path(self.pid).write_text(str(os.getpid()), encoding="ascii")

    def stop(self) -> None:
        """Its containers go on, and its socket stays, as with live-restore."""
        Path(self.pid).unlink(missing_ok=True)
        for listener in self.listeners:
            listener.put(None)
        self.listeners = []
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def restart(self) -> None:
        Path(self.socket).unlink()
        self.start()

    def run(self, container: Container) -> None:
        self.tell("network", "connect")
        self.running[container.name] = container
        self.tell("container", "start")

    def end(self, name: str) -> None:
        del self.running[name]
        self.tell("container", "die")
        self.tell("network", "disconnect")

    def tell(self, kind: str, action: str) -> None:
        line = json.dumps({"Type": kind, "Action": action}).encode() + b"\n"
        for listener in list(self.listeners):
            listener.put(line)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    docker: Docker


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:  # http.server calls it so
        docker, asked = self.server.docker, urlsplit(self.path)
        docker.asked.append(asked.path)
        filters = json.loads(parse_qs(asked.query).get("filters", ["{}"])[0])
        if asked.path == "/events":
            self._stream(docker, filters)
        elif asked.path == "/containers/json":
            wanted = set(filters["network"])
            self._say([one.listed() for one in list(docker.running.values()) if wanted & set(one.ends)])
        else:
            name = asked.path.split("/")[2]
            if name in docker.busy:
                docker.busy[name].wait()
            found = docker.running.get(name)
            self._say(found.whole() if found else {"message": "No such container"}, 200 if found else 404)

    def _say(self, what: Any, status: int = 200) -> None:
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, docker: Docker, filters: dict[str, list[str]]) -> None:
        """In chunks, until Docker ends."""
        lines: queue.Queue[bytes | None] = queue.Queue()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        docker.listeners.append(lines)
        self.close_connection = True
        try:
            while (line := lines.get()) is not None:
                event = json.loads(line)
                if event["Type"] in filters["type"] and event["Action"] in filters["event"]:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        except BrokenPipeError:
            docker.listeners.remove(lines)  # whoever listened was killed

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""
