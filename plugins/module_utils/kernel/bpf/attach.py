# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces are policed: their entry in the map of attachments, and the programs at their two hooks. These get
there by TCX where the kernel has it, and by clsact where not (support.has_tcx).

Programs that a former version left at clsact are taken over by TCX, which sees packets first. Their interface has the
flag LAST_WORD until they are gone, so a packet meets the old programs or the new ones, never both or none. clsact
itself stays, empty: the kernel stops a link for a moment to take it away, and nobody else may want that now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ...model.policy import BOUND
from ..netlink.channel import Channel
from ..netlink.numbers import is_there, number_of
from . import calls, support
from .hook_clsact import Clsact
from .hook_tcx import Tcx
from .hooks import CLSACT, INGRESS, PROGRAMS, TCX, Attached, Hooks
from .layout import ATTACHMENT, HAD_CLSACT, LAST_WORD, NUMBER
from .objects import map_path, program_path

_ATTACHMENTS = "attachments"


class Policed(NamedTuple):
    """What the programs know of an interface; as in model.policy.Attachment."""

    number: int
    network: int
    flags: int


class Look(NamedTuple):
    """What is there of an interface. policed: None: the programs know nothing of it, and drop everything.

    attached: our programs at its hooks. before: in words, who else sees packets before ours do, or has their place.
    """

    policed: Policed | None
    attached: tuple[Attached, ...]
    before: tuple[str, ...]

    def is_judged_by(self, programs: Mapping[str, int]) -> bool:
        """Whether just these (name -> the kernel's number) are there, in the way that they are now."""
        wanted = {(name, programs.get(name), way()) for name in PROGRAMS}
        return {(found.program, found.number, found.way) for found in self.attached} == wanted


def way() -> str:
    """How programs get to their hooks here: TCX or CLSACT."""
    return TCX if support.has_tcx() else CLSACT


def port_of(bridge: Policed) -> Policed:
    """How a port of a bridge with PORTS is policed."""
    return Policed(bridge.number, bridge.network, BOUND)


def police(folder: str, link: str, policed: Policed, incoming: bool = False) -> None:
    """Puts the programs that are pinned below the folder at the hooks of a link, in place of those that are there;
    there is no moment without. Raises KernelError; what was attached before then still is.

    incoming: only what comes in there is judged yet. What has come in unjudged is nobody's who is policed: of links
    that exchange packets while they are being policed, all have to judge what comes in before any judges what goes out.
    """
    subject = f"link {link}"
    device = number_of(link, subject)
    with ExitStack() as stack:
        attachments = stack.enter_context(_handle(map_path(folder, _ATTACHMENTS)))
        wanted = [name for name in PROGRAMS if name == INGRESS or not incoming]
        handles = {name: stack.enter_context(_handle(program_path(folder, name))) for name in wanted}
        clsact = stack.enter_context(_clsact())
        best = _best(clsact)
        left = best.way == TCX and clsact.ours(subject, device)
        _write(attachments, device, policed, LAST_WORD if left else 0)
        best.put(subject, device, handles)
        if left:
            for name in wanted:
                clsact.remove(subject, device, name)
            _write(attachments, device, policed, HAD_CLSACT)


def release(folder: str, link: str) -> None:
    """The opposite: afterwards everything passes there. No fault, if nothing is there."""
    subject = f"link {link}"
    device = number_of(link, subject)
    with _clsact() as clsact:
        best = _best(clsact)
        made = best.way == CLSACT or _had_clsact(folder, device) or clsact.ours(subject, device)
        for name in PROGRAMS:
            best.remove(subject, device, name)
            clsact.remove(subject, device, name)
        if made:
            clsact.unmake(subject, device)
    # Last: a program that does not know its interface drops everything.
    forget(folder, device)


def forget(folder: str, device: int) -> None:
    """Takes an interface, by its number, out of the map of attachments: for one that is gone. No fault, if it is not
    there, or the map is not."""
    if not os.path.lexists(map_path(folder, _ATTACHMENTS)):
        return
    with _handle(map_path(folder, _ATTACHMENTS)) as attachments:
        calls.delete(attachments, NUMBER.pack(device))


def known(folder: str) -> dict[int, Policed]:
    """The map of attachments: by number of the interface, which may be gone."""
    with _handle(map_path(folder, _ATTACHMENTS)) as attachments:
        found = calls.read_all(_ATTACHMENTS, attachments)
    return {NUMBER.unpack(key)[0]: _policed(value) for key, value in found.items()}


def look(folder: str, link: str) -> Look:
    """What is there now, so that what somebody removed by hand is seen. Raises KernelError, also for a link that is
    gone."""
    number_of(link, f"link {link}")
    return looks(folder, [link])[link]


def looks(folder: str, links: Iterable[str]) -> dict[str, Look]:
    """The same of many, at a few milliseconds for a hundred. Links that are gone are left out; the folder need not be
    there."""
    policed = known(folder) if os.path.lexists(map_path(folder, _ATTACHMENTS)) else {}
    devices = {link: number_of(link, "") for link in links if is_there(link)}
    found: dict[str, Look] = {}
    with _clsact() as clsact:
        best = _best(clsact)
        for link, device in devices.items():
            ours, before = best.look(f"link {link}", device)
            if best.way == TCX:
                # Others at clsact see packets later.
                ours = (*ours, *clsact.look(f"link {link}", device).ours)
            found[link] = Look(policed.get(device), ours, before)
    return found


def _policed(value: bytes) -> Policed:
    number, network, flags = ATTACHMENT.unpack(value)
    return Policed(number, network, flags & ~HAD_CLSACT)


def _write(attachments: int, device: int, policed: Policed, more: int = 0) -> None:
    """more: flags that are nobody's wish."""
    number, network, flags = policed
    kept = HAD_CLSACT if _has(attachments, device, HAD_CLSACT) else 0
    entry = ATTACHMENT.pack(number, network, flags & ~LAST_WORD | kept | more)
    calls.put(attachments, NUMBER.pack(device), entry)


def _has(attachments: int, device: int, flag: int) -> bool:
    value = calls.get(attachments, NUMBER.pack(device), ATTACHMENT.size)
    return value is not None and bool(ATTACHMENT.unpack(value)[2] & flag)


def _had_clsact(folder: str, device: int) -> bool:
    if not os.path.lexists(map_path(folder, _ATTACHMENTS)):
        return False
    with _handle(map_path(folder, _ATTACHMENTS)) as attachments:
        return _has(attachments, device, HAD_CLSACT)


def _best(clsact: Clsact) -> Hooks:
    return Tcx() if support.has_tcx() else clsact


@contextmanager
def _clsact() -> Iterator[Clsact]:
    channel = Channel()
    try:
        yield Clsact(channel)
    finally:
        channel.close()


@contextmanager
def _handle(path: str) -> Iterator[int]:
    """A file descriptor of what is pinned at a path."""
    handle = calls.pinned(path)
    try:
        yield handle
    finally:
        os.close(handle)
