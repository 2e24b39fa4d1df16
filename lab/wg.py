"""What `wg show` says of a device, and the text of a client's configuration."""

from __future__ import annotations

import re
from typing import NamedTuple

from . import machine
from .shell import LabError


class Seen(NamedTuple):
    """A peer as `wg show` has it. handshake: Unix time, 0: none. received, sent: bytes."""

    public_key: str
    preshared: bool
    endpoint: str
    allowed_ips: tuple[str, ...]
    handshake: int
    received: int
    sent: int
    keepalive: int


def peers(host: str, device: str) -> dict[str, Seen]:
    """The peers of a WireGuard device of a lab host, by public key, from `wg show`."""
    done = machine.execute(host, "wg", "show", device, "dump")
    if done.returncode != 0:
        raise LabError(f"{host}: wg show {device}: {done.stderr.strip()}")
    return parse(done.stdout)


def parse(dump: str) -> dict[str, Seen]:
    """The lines after the first of `wg show DEVICE dump`: eight words a line, `(none)` where there is nothing."""
    found = {}
    for line in dump.splitlines()[1:]:
        public, preshared, endpoint, allowed, handshake, received, sent, keepalive = line.split("\t")
        found[public] = Seen(
            public_key=public,
            preshared=preshared != "(none)",
            endpoint=endpoint,
            allowed_ips=tuple(sorted(allowed.split(","))) if allowed != "(none)" else (),
            handshake=int(handshake),
            received=int(received),
            sent=int(sent),
            keepalive=int(keepalive) if keepalive != "off" else 0,
        )
    return found


def setting(conf_text: str, key: str) -> list[str]:
    """What the lines `key = a, b` of a configuration say, in order."""
    lines = re.findall(rf"(?m)^{key}\s*=\s*(.*?)\s*$", conf_text)
    return [word.strip() for line in lines for word in line.split(",")]


def with_setting(conf_text: str, key: str, value: str) -> str:
    """The configuration with another value in its one line `key = …`, as somebody with an editor would have it."""
    changed, count = re.subn(rf"(?m)^{key}\s*=.*$", f"{key} = {value}", conf_text)
    if count != 1:
        raise LabError(f"the configuration has {count} lines {key} instead of one")
    return changed
