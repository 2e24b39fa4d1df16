# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A server with many clients: compile, apply and no change, against `wg syncconf` with a file that is ready."""

from __future__ import annotations

import base64
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others, read
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import ALIAS_PREFIX, WIREGUARD_GROUP
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import KEY_ROOT, Keys

from .hub import command_of, install, write_plan
from .machine import inside, timed

SYNCCONF = "wg syncconf"
SYNCCONF_AGAIN = "wg syncconf again"
FIRST = "first apply"
APPLY = "apply"
PROCESS = "weft apply"
UNCHANGED = "no change"
ONE_MORE = "one more"
FILES = "files"
COMPILE = "compile"

_DOMAIN = """\
version: 1
servers:
  router: {role: router, management: {ipv4: 198.18.0.1}}
interfaces:
  wg0:
    server: router
    endpoint: {host: 203.0.113.1, port: 51820}
    subnets: {ipv4: 172.27.0.0/20, ipv6: "fd00:27::/64"}
    lan: [198.18.0.0/16]
    internet: true
profiles:
  full: {lan: true, internet: true, tunnel: full}
  lan-only: {lan: true}
bindings:
  wg0: [full, lan-only]
clients:
"""

_TRANSACTION = """\
import sys, time
sys.path.insert(0, {program!r})
from weft_overlay.converge.transaction import converge
from weft_overlay.edge.stored_plan import read_plan
from weft_overlay.kernel.host import HostKernel
import weft_overlay.kernel.wireguard.plane
plan = read_plan({plan!r})
start = time.perf_counter()
converge(plan, HostKernel(ask_docker=False))
print(time.perf_counter() - start)
"""


class Server:
    """One compiled plan, the same as a file for wg, and the program as it lies on a host, in `folder`."""

    def __init__(self, folder: str, clients: int) -> None:
        self._folder = folder
        self._private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
        public = subprocess.run(["wg", "pubkey"], input=self._private, capture_output=True, text=True, check=True)
        self._public = public.stdout.strip()
        self._domain = _DOMAIN + "".join(_client(number) for number in range(clients))
        plan = self.compiled()
        install(folder)
        self._command = command_of(plan, folder)
        self._files = write_plan(f"{folder}/files.json", plan)
        self._plan = write_plan(f"{folder}/clients.json", plan._replace(clients=()))
        self._less = write_plan(f"{folder}/less.json", plan._replace(clients=(), peers=plan.peers[:-1]))
        self._conf = f"{folder}/ready.conf"
        with open(self._conf, "w", encoding="utf-8") as stream:
            stream.write(self._ready(plan))

    def compiled(self) -> HostPlan:
        """From the text of the intent to the plan of the server."""
        inventory, faults = read({}, {}, {}, Others(routers=("router",)))
        foreign = Foreign(uplinks=(Uplink("198.18.0.1/16", "eth0", 1500),))
        keys = Keys(links=(("wg0", self._public),))
        facts = Facts(Capabilities(dummy=True, firewall="none"), foreign, keys=keys)
        compiled = compile_domain(parse(self._domain, "bench"), inventory, EMPTY, Run({"router": facts}))
        for fault in (*faults, *compiled.faults):
            raise RuntimeError(str(fault))
        return compiled.plans["router"]

    def round(self, turn: int) -> dict[str, float]:
        """Each of the ways once, on a device of its own; they take turns at being first."""
        start = time.perf_counter()
        self.compiled()
        found = {COMPILE: time.perf_counter() - start}
        ways: list[Callable[[], dict[str, float]]] = [self._syncconf, self._nft, self._iptables]
        for way in ways if turn % 2 else reversed(ways):
            found.update(inside(way))
        return found

    def _syncconf(self) -> dict[str, float]:
        command = ["wg", "syncconf", "wg0", self._conf]
        with _device():
            return {SYNCCONF: timed(command), SYNCCONF_AGAIN: timed(command)}

    def _nft(self) -> dict[str, float]:
        """A host without iptables filters by nftables alone."""
        path = os.path.realpath(shutil.which("iptables") or "/usr/sbin/iptables")
        subprocess.run(["mount", "--bind", "/dev/null", path], check=True)
        return self._weft()

    def _iptables(self) -> dict[str, float]:
        found = self._weft()
        return {f"{name}, iptables": found[name] for name in (APPLY, PROCESS, UNCHANGED)}

    def _weft(self) -> dict[str, float]:
        self._keep_keys()
        with _device():
            found = {FIRST: timed(self._apply(self._plan))}
        with _device():
            found[APPLY] = self._transaction()
        with _device():
            found.update({PROCESS: timed(self._apply(self._plan)), UNCHANGED: timed(self._apply(self._plan))})
            timed(self._apply(self._less))
            found[ONE_MORE] = timed(self._apply(self._plan))
            found[FILES] = timed(self._apply(self._files)) - found[UNCHANGED]
            shown = subprocess.run(["wg", "show", "wg0", "peers"], capture_output=True, text=True, check=True)
        if len(shown.stdout.split()) != self._domain.count("public_key"):
            raise RuntimeError("not every client is a peer")
        return found

    def _keep_keys(self) -> None:
        """The server's own key is there, as it is after the first run; the preshared ones are made."""
        subprocess.run(["mkdir", "-p", KEY_ROOT], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", os.path.dirname(KEY_ROOT)], check=True)
        os.makedirs(f"{KEY_ROOT}/wg0", mode=0o700)
        for name, text in (("private", self._private), ("private.pub", self._public)):
            with open(os.open(f"{KEY_ROOT}/wg0/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
                stream.write(text + "\n")

    def _transaction(self) -> float:
        """What `weft apply` does once it runs and has read its plan."""
        command = [*self._command[:-1], "-c", _TRANSACTION.format(program=self._folder, plan=self._plan)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return float(done.stdout)

    def _apply(self, plan: str) -> list[str]:
        return [*self._command, "apply", plan]

    def _ready(self, plan: HostPlan) -> str:
        lines = ["[Interface]", f"PrivateKey = {self._private}", "ListenPort = 51820"]
        for peer in plan.peers:
            lines += ["[Peer]", f"PublicKey = {peer.public_key}", f"PresharedKey = {_key(peer.name + ' psk')}"]
            lines.append(f"AllowedIPs = {', '.join(peer.allowed_ips)}")
        return "\n".join(lines) + "\n"


@contextmanager
def _device():
    """wireguard-go with an empty device that carries our marks: its start is in neither figure."""
    environment: Mapping[str, str] = MappingProxyType({**os.environ, "WG_PROCESS_FOREGROUND": "1"})
    with subprocess.Popen(["wireguard-go", "-f", "wg0"], env=environment, stderr=subprocess.DEVNULL) as process:
        while not os.path.exists("/run/wireguard/wg0.sock"):
            time.sleep(0.01)
        lines = f"link set wg0 group {WIREGUARD_GROUP} alias {ALIAS_PREFIX}router\nlink set wg0 mtu 1420 up\n"
        subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
        try:
            yield
        finally:
            process.terminate()
            process.wait()
            subprocess.run(["nft", "flush", "ruleset"], check=True)


def _client(number: int) -> str:
    profile = "full" if number % 2 else "lan-only"
    return f"  c{number}: {{interface: wg0, profile: {profile}, public_key: {_key(f'c{number}')}}}\n"


def _key(seed: str) -> str:
    """A key that nobody can use: the bench exchanges no packet."""
    return base64.b64encode(random.Random(seed).randbytes(31) + b"\1").decode()  # noqa: S311  # it keeps nothing
