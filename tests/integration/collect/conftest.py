# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts that send and a NAS that collects, as processes of their own in a network namespace of their own."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.tls import calling
from ansible_collections.weft.overlay.plugins.module_utils.kernel.collected import folder_of
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys.certificates import make_audit
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import Spool, lines
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import NAS, RUNNER, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import COLLECTED, Audit, Collector
from tests.integration.kernel.conftest import Host, host

__all__ = ["host"]

ROOT = Path(__file__).resolve().parents[3]
PORT = 5515
NOW = 1_800_000_000.0
# As their units have it: root without its powers. /run is the process's own, there services say that they run.
SHUT_IN = "exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs"
ALONE = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none /run && {SHUT_IN} "$@"', "sh"]
START = (
    "import runpy, sys; from ansible.plugins.loader import init_plugin_loader; "
    f"init_plugin_loader([{str(ROOT / '.collections')!r}]); "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def until(true: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class Service:
    """A process; what it says is kept."""

    def __init__(self, *words: str) -> None:
        command = [*ALONE, sys.executable, "-c", START, str(Path(__file__).with_name("process.py")), *words]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said = ""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.said += line

    def says(self, words: str) -> None:
        until(lambda: words in self.said, f"it never said {words!r}")

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def stop(self) -> int:
        self.process.terminate()
        return self.end()

    def end(self) -> int:
        code = self.process.wait(timeout=20)
        self._reading.join()
        assert "Traceback" not in self.said, self.said
        return code


class Site:
    """A NAS with a store, and hosts by name, each with a spool and a key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.stores = folder / "stores.json"
        self.running: list[Service] = []
        self.certificates = {"nas": make_audit(self.key("nas"))}
        self.addresses: tuple[str, ...] = ("127.0.0.1",)
        self.store.mkdir(mode=0o700)
        self.have_a_store()
        (self.store / COLLECTED).mkdir(mode=0o700)

    def have_a_store(self) -> None:
        (self.store / "weft-store").write_text(json.dumps({"id": "1", "version": 1}), encoding="utf-8")

    def key(self, host: str) -> str:
        return str(self.folder / f"{host}.key" / "audit.pem")

    def add(self, *hosts: str) -> None:
        for name in hosts:
            self.certificates[name] = make_audit(self.key(name))
            self.plan_of(name)

    def plan_of(self, name: str, certificate: str | None = None) -> None:
        audit = Audit(self.addresses, PORT, certificate or self.certificates["nas"])
        self._write(name, HostPlan(name, RUNNER, audit=audit))

    def plan_of_nas(self, *hosts: str) -> None:
        pairs = tuple((host, self.certificates[host]) for host in hosts)
        self._write("nas", HostPlan("nas", NAS, collector=Collector(self.addresses, PORT, str(self.store), pairs)))

    def _write(self, name: str, plan: HostPlan) -> None:
        path = self.folder / f"{name}.json"
        path.with_suffix(".new").write_text(to_json(plan), encoding="utf-8")
        os.replace(path.with_suffix(".new"), path)

    def spool(self, host: str) -> str:
        return str(self.folder / f"{host}.spool")

    def deny(self, host: str, *said: str) -> None:
        Spool(self.spool(host)).append(said, NOW)

    def collect(self) -> Service:
        return self._run("collect", str(self.folder / "nas.json"), self.key("nas"), str(self.stores))

    def send(self, host: str, key: str | None = None) -> Service:
        return self._run("send", str(self.folder / f"{host}.json"), self.spool(host), key or self.key(host))

    def _run(self, *words: str) -> Service:
        self.running.append(Service(*words))
        return self.running[-1]

    def here(self, host: str) -> list[str]:
        """What has arrived of a host."""
        return list(lines(folder_of(f"{self.store}/{COLLECTED}", host)))

    def arrives(self, host: str, *said: str) -> None:
        until(lambda: self.here(host) == list(said), f"{host}: {said} is not what arrived")

    def plain(self) -> socket.socket:
        """A connection without TLS, as soon as somebody listens."""
        end = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection((self.addresses[0], PORT), timeout=20)
            except ConnectionRefusedError:
                assert time.monotonic() < end, "nobody listens"
                time.sleep(0.05)

    def call(self, host: str) -> ssl.SSLSocket:
        """By hand, with this host's certificate."""
        return calling(self.certificates["nas"], self.key(host)).wrap_socket(self.plain())

    def close(self) -> None:
        for service in self.running:
            if service.process.poll() is None:
                service.kill()


@pytest.fixture
def site(host: Host, tmp_path: Path) -> Iterator[Site]:  # noqa: ARG001  # its network is where all of this is
    found = Site(tmp_path)
    try:
        yield found
    finally:
        found.close()
