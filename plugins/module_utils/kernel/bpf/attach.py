# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which interfaces are policed: their entry in the map of attachments, and the programs at their two hooks (tc clsact).

The filters hold their programs themselves: those run whether or not anybody's pins are still there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from ...model.errors import KernelError
from ...model.policy import BOUND
from ..netlink import filters
from ..netlink.channel import Channel
from ..netlink.numbers import is_there, number_of
from . import calls
from .layout import ATTACHMENT, NUMBER
from .objects import map_path, program_path

# Program -> hook; a filter has its program's name.
_INGRESS, _EGRESS = "weft_ingress", "weft_egress"
_HOOKS = {_INGRESS: filters.INGRESS, _EGRESS: filters.EGRESS}
# What an interface has that is policed, whichever it is.
PROGRAMS = (_INGRESS, _EGRESS)
_ATTACHMENTS = "attachments"


class Policed(NamedTuple):
    """What the programs know of an interface; as in model.policy.Attachment."""

    number: int
    network: int
    flags: int


class Attached(NamedTuple):
    """A program at a hook. number: the kernel's; tag: of its instructions, to be compared with those loaded
    (objects.loaded)."""

    program: str
    number: int
    tag: str


class Look(NamedTuple):
    """What is there of an interface. policed: None: the programs know nothing of it, and drop everything.

    attached: the programs at its hooks, by name. before: in words, filters of others that see packets before ours do,
    and a queueing discipline that has the place of ours.
    """

    policed: Policed | None
    attached: tuple[Attached, ...]
    before: tuple[str, ...]


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
    with _Handle(map_path(folder, _ATTACHMENTS)) as attachments:
        calls.put(attachments, NUMBER.pack(device), ATTACHMENT.pack(*policed))
    channel = Channel()
    try:
        _make_hooks(channel, subject, device)
        for program in (name for name in PROGRAMS if name == _INGRESS or not incoming):
            hook = _HOOKS[program]
            _refuse_foreign(channel, subject, device, hook)
            with _Handle(program_path(folder, program)) as handle:
                channel.carry_out([filters.put(subject, device, hook, program, handle)])
    finally:
        channel.close()


def release(folder: str, link: str) -> None:
    """The opposite: afterwards everything passes there. clsact goes with the last filter in it. No fault, if nothing is
    there."""
    subject = f"link {link}"
    device = number_of(link, subject)
    channel = Channel()
    try:
        for hook in _HOOKS.values():
            _remove(channel, subject, device, hook)
        if not any(_filters(channel, subject, device, hook) for hook in _HOOKS.values()):
            channel.carry_out([filters.remove_clsact(subject, device)])
    finally:
        channel.close()
    # Last: a program that does not know its interface drops everything.
    forget(folder, device)


def forget(folder: str, device: int) -> None:
    """Takes an interface, by its number, out of the map of attachments: for one that is gone. No fault, if it is not
    there, or the map is not."""
    if not os.path.lexists(map_path(folder, _ATTACHMENTS)):
        return
    with _Handle(map_path(folder, _ATTACHMENTS)) as attachments:
        calls.delete(attachments, NUMBER.pack(device))


def known(folder: str) -> dict[int, Policed]:
    """The map of attachments: by number of the interface, which may be gone."""
    with _Handle(map_path(folder, _ATTACHMENTS)) as attachments:
        found = calls.read_all(_ATTACHMENTS, attachments)
    return {NUMBER.unpack(key)[0]: Policed(*ATTACHMENT.unpack(value)) for key, value in found.items()}


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
    channel = Channel()
    try:
        kinds = _disciplines(channel, "queueing disciplines", 0)
        return {
            link: _look(channel, link, device, policed.get(device), kinds.get(device, ""))
            for link, device in devices.items()
        }
    finally:
        channel.close()


def _look(channel: Channel, link: str, device: int, policed: Policed | None, kind: str) -> Look:
    if kind != filters.CLSACT:
        return Look(policed, (), (f"queueing discipline {kind}",) if kind else ())
    attached: list[Attached] = []
    before: list[str] = []
    for hook in _HOOKS.values():
        for seen in _filters(channel, f"link {link}", device, hook):
            if _is_ours(seen):
                attached.append(Attached(seen.name, seen.program, seen.tag))
            elif seen.priority <= filters.PRIORITY:
                before.append(f"{seen.kind} {seen.name}".strip())
    return Look(policed, tuple(attached), tuple(before))


def _make_hooks(channel: Channel, subject: str, device: int) -> None:
    """There is one place for clsact and its older brother `ingress`, which takes every filter for one of ingress."""
    kind = _disciplines(channel, subject, device).get(device, filters.CLSACT)
    if kind != filters.CLSACT:
        words = f"it has the queueing discipline {kind}, where weft needs {filters.CLSACT}"
        raise KernelError(subject, f"{words}; let its owner use {filters.CLSACT}, which has the same hook and one more")
    channel.carry_out([filters.add_clsact(subject, device)])


def _disciplines(channel: Channel, subject: str, device: int) -> dict[int, str]:
    """Of links with hooks, the kind that has them."""
    replies = channel.dump(subject, filters.RTM_GETQDISC, filters.ask_disciplines(device))
    return {found: kind for found, kind in map(filters.discipline, replies) if kind}


def _filters(channel: Channel, subject: str, device: int, hook: int) -> list[filters.Seen]:
    replies = channel.dump(subject, filters.RTM_GETTFILTER, filters.ask(device, hook))
    # What does not say its parent's number is of another place.
    seen = [filters.read(reply) for reply in replies]
    return [found for found in seen if found.device == device and found.hook == hook and found.handle]


def _remove(channel: Channel, subject: str, device: int, hook: int) -> None:
    if any(map(_is_ours, _filters(channel, subject, device, hook))):
        channel.carry_out([filters.remove(subject, device, hook)])


def _is_ours(seen: filters.Seen) -> bool:
    return seen.in_our_place() and _HOOKS.get(seen.name) == seen.hook


def _refuse_foreign(channel: Channel, subject: str, device: int, hook: int) -> None:
    for seen in _filters(channel, subject, device, hook):
        if seen.in_our_place() and not _is_ours(seen):
            words = f"a filter of somebody else ({seen.kind} {seen.name}) is where weft's has to be, at priority 1"
            raise KernelError(subject, f"{words}; move it to a later priority, or remove it")


class _Handle:
    """A file descriptor of what is pinned at a path."""

    def __init__(self, path: str) -> None:
        self._handle = calls.pinned(path)

    def __enter__(self) -> int:
        return self._handle

    def __exit__(self, *_exception: object) -> None:
        os.close(self._handle)
