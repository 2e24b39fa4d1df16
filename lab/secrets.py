"""Private and preshared keys by their very bytes: which there are, and whether something tells one."""

from __future__ import annotations

import base64
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from . import machine

# Files made for secrets.
PLACES = ("/var/lib/weft/keys", "/var/lib/weft/clients", "/var/lib/weft/store", "/srv/weft")
_KEY = re.compile(r"(?:^|= )([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$", re.MULTILINE)


def known(*names: str) -> list[str]:
    """Every private and preshared key of hosts: in use (wg), in the files of the keys, and of the clients."""
    found: set[str] = set()
    for name in names:
        shown = machine.execute(name, "sh", "-c", "wg show all private-key; wg show all preshared-keys").stdout
        found |= {word for line in shown.splitlines() for word in line.split()[-1:] if word != "(none)"}
        said = machine.execute(
            name, "sh", "-c",
            "find /var/lib/weft/keys -type f ! -name '*.pub' ! -name '*.pem' -exec cat {} +; "
            "grep -rhE '^(PrivateKey|PresharedKey) = ' /var/lib/weft/clients || true",
        ).stdout  # fmt: skip
        found |= set(_KEY.findall(said))
    return sorted(found)


def told(secrets: Iterable[str], text: str | bytes) -> list[str]:
    """Of those that are in a text, the beginning: as base64, without its padding, as hexadecimal, or as itself."""
    data = text if isinstance(text, bytes) else text.encode()
    return [key[:6] + "…" for key in secrets if any(spelling in data for spelling in _spellings(key))]


def _spellings(key: str) -> list[bytes]:
    raw = base64.b64decode(key)
    return [key.encode(), key.rstrip("=").encode(), raw.hex().encode(), raw.hex().upper().encode(), raw]


@contextmanager
def processes() -> Iterator[set[bytes]]:
    """Every command line and environment that this machine sees meanwhile, those of its hosts among them, as often as
    it can look. What is shorter than a look is not seen: so it is tried often."""
    seen: set[bytes] = set()
    end = threading.Event()
    looking = threading.Thread(target=_look, args=(seen, end))
    looking.start()
    try:
        yield seen
    finally:
        end.set()
        looking.join()


def _look(seen: set[bytes], end: threading.Event) -> None:
    """An environment does not change while its process lives, so it is read once."""
    known_ones: set[str] = set()
    while not end.wait(0.02):
        there = {name for name in os.listdir("/proc") if name.isdigit()}
        for name in there:
            files = ("cmdline",) if name in known_ones else ("cmdline", "environ")
            for file in files:
                with suppress(OSError), open(f"/proc/{name}/{file}", "rb") as stream:
                    seen.add(stream.read())
        known_ones = there
