# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The code that a host keeps for its next boot: the very modules that just ran there, read from where they came."""

from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec

from ..diff.policy import NO_OBJECTS
from ..kernel import docker_api, wireguard_plane
from ..model.errors import WeftError
from ..model.policed import Objects
from ..model.stored import Program
from . import boot, client_command, command, stored_plan, watch

_ROOT = __name__.rsplit(".", 2)[0]
_PACKAGE = "weft_overlay"

# What runs at boot. The rest of the collection stays on the controller.
_ROOMS = ("model", "diff", "kernel", "converge")
_DOORS = frozenset(module.__name__ for module in (boot, client_command, command, stored_plan, watch))

# Modules that are imported only when they are needed, and that a host may need at its next boot.
LAZY = (docker_api, wireguard_plane)

# The same, without being imported now: that would cost every run tens of milliseconds.
_BPF = (
    *("attach", "bindings", "calls", "judging", "layout", "log", "mount"),
    *("objects", "pins", "plane", "records", "slots", "support", "tables"),
)
_AUDIT = ("audit", "audit_metrics", "audit_names", "audit_share", "audit_source", "denials")
_SPOOL = ("collected", "spool", "spool_mirror", "spool_reader", "spool_segments", "store_place")
_SENDING = ("send", "collect", "collect_calls", "audit_tls")
_GUARD = ("guard", "guard_ports", "guard_routes", "followed_plan")
_PORTS = (
    *("model.bridge_port", "diff.bridge_port", "diff.gates", "diff.labelled", "kernel.bridge_port"),
    *(
        "kernel.docker_events",
        "kernel.docker_speakers",
        "kernel.netlink.gates",
        "kernel.netlink.news",
        "kernel.netlink.port_macs",
        "kernel.netlink.spaces",
    ),
)
UNLOADED = (
    *_PORTS,
    *("kernel.netlink.filters", "kernel.bpf", "model.audit", "model.sending"),
    *(f"kernel.{name}" for name in _SPOOL),
    *(f"kernel.bpf.{name}" for name in _BPF),
    *(f"edge.{name}" for name in (*_AUDIT, *_GUARD, *_SENDING)),
)

_MAIN = f"""\
import gc
import os
import sys

# A run is over before there is garbage worth collecting, and the kernel frees its memory faster than Python does.
gc.disable()
sys.path.insert(0, __file__.rpartition("/")[0])

from {_PACKAGE}.edge.command import main

code = main(sys.argv[1:])
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
"""


def program(objects: Objects = NO_OBJECTS) -> Program:
    """Sources by path, and one digest over them, and over the programs that judge where there are any. Raises WeftError
    where a module's source cannot be read."""
    sources = {"main.py": _MAIN, f"{_PACKAGE}/__init__.py": "", f"{_PACKAGE}/edge/__init__.py": ""}
    for name in sorted({*sys.modules, *(f"{_ROOT}.{inner}" for inner in UNLOADED)}):
        inner = name[len(_ROOT) + 1 :]
        if name.startswith(_ROOT + ".") and (name in _DOORS or inner.split(".")[0] in _ROOMS or inner in UNLOADED):
            sources.update(_source(name, inner))
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path}\0{sources[path]}\0".encode())
    digest.update(objects.digest.encode())
    return Program(digest.hexdigest()[:32], tuple(sorted(sources.items())), objects.files)


def _source(name: str, inner: str) -> dict[str, str]:
    module = sys.modules.get(name)
    spec = find_spec(name) if module is None else None
    loader = spec.loader if spec else getattr(module, "__loader__", None)
    package = spec.submodule_search_locations is not None if spec else hasattr(module, "__path__")
    text = loader.get_source(name) if hasattr(loader, "get_source") else None
    if isinstance(text, bytes):  # from Ansible's own loader, where no archive was made
        text = text.decode()
    path = inner.replace(".", "/") + ("/__init__.py" if package else ".py")
    if text is None and not package:
        raise WeftError(f"the source of {inner} cannot be read, so nothing could be stored for the next boot")
    return {f"{_PACKAGE}/{path}": text or ""}
