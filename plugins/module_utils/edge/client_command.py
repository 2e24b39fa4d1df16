# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft client`: the files of clients on the terminal of the host that keeps them. They have private keys in them, so
this is for people who are logged in there; no playbook calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from ..kernel import atomic
from ..kernel.clients.files import KEYFILE, image, path_of
from ..kernel.clients.kept import conf, observe
from ..model.client import ClientConfig
from ..model.errors import KernelError, WeftError
from .columns import aligned

USAGE = """\
weft client list                          the clients whose configuration is kept here
weft client show NAME [--qr | --keyfile]  one of them: as wg-quick takes it, as a QR code, or for NetworkManager
"""


def main(arguments: list[str]) -> int:
    form = _form(arguments[3:])
    try:
        if arguments[1:] == ["list"]:
            _write("".join(f"{line}\n" for line in _table(observe())).encode())
        elif arguments[1:2] == ["show"] and len(arguments) > 2 and form is not None:
            _write(form(arguments[2]))
        else:
            sys.stderr.write("usage: " + "\n       ".join(USAGE.splitlines()) + "\n")
            return 2
    except (WeftError, OSError) as error:
        sys.stderr.write(f"weft: {error}\n")
        return 1
    return 0


def _form(options: list[str]) -> Callable[[str], bytes] | None:
    """What shows a client in the form that was asked for; None: there is no such form."""
    return {(): _conf, ("--qr",): _code, ("--keyfile",): _keyfile}.get(tuple(options))


def _conf(name: str) -> bytes:
    return conf(name).encode()


def _keyfile(name: str) -> bytes:
    conf(name)
    data = atomic.read(path_of(name, KEYFILE))
    if data is None:
        raise KernelError(f"client {name}", "its keyfile is missing; the next run of the playbook makes it")
    return data


def _code(name: str) -> bytes:
    found = image(conf(name), "ANSIUTF8")
    if found is None:
        reason = "it has no QR code: it is too long for one, or its private key was made by the client and is not here"
        raise KernelError(f"client {name}", reason)
    return found


def _table(configs: Iterable[ClientConfig]) -> list[str]:
    rows = [("client", "interface", "addresses", "files", "about")]
    for config in configs:
        state = "damaged" if not config.whole else "key only" if not config.link else "whole"
        rows.append((config.name, config.link, " ".join(config.addresses), state, "; ".join(config.about)))
    return aligned(rows)


def _write(data: bytes) -> None:
    """Bytes: what a terminal's own encoding cannot say is shown all the same, and a file is the file."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
