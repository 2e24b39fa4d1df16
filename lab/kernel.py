"""What the lab changes on the machine itself, remembered so that `down` puts it back."""

from __future__ import annotations

import contextlib
import json
import os

from .paths import UNDO
from .shell import succeeds

MODULES = ("overlay", "bridge", "br_netfilter", "veth", "vxlan", "nf_tables", "ip_tables", "ip6_tables", "tun")
# Each host's systemd, D-Bus and Docker take a few inotify instances, and all of them count as root's.
INOTIFY, INOTIFY_WANTED = "/proc/sys/fs/inotify/max_user_instances", 1024


def _load() -> dict[str, object]:
    with contextlib.suppress(FileNotFoundError), open(UNDO, encoding="utf-8") as text:
        return dict(json.load(text))
    return {}


def _remember(key: str, value: object) -> None:
    """Note how it was before the lab; what was noted first counts."""
    notes = {key: value, **_load()}
    with open(UNDO, "w", encoding="utf-8") as out:
        json.dump(notes, out)


def _read_int(path: str) -> int:
    with open(path, encoding="ascii") as text:
        return int(text.read())


def _write_int(path: str, value: int) -> None:
    with open(path, "w", encoding="ascii") as out:
        out.write(str(value))


def ensure() -> None:
    for module in MODULES:  # a host cannot load modules itself; built in, or not there at all, is no error here
        succeeds(["modprobe", "--quiet", module])
    before = _read_int(INOTIFY)
    if before < INOTIFY_WANTED:
        _remember("inotify", before)
        _write_int(INOTIFY, INOTIFY_WANTED)


def restore() -> None:
    before = _load().get("inotify")
    if isinstance(before, int):
        _write_int(INOTIFY, before)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(UNDO)
