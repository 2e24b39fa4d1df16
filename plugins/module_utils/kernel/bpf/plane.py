# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What judges on a host, as objects of its state: the policy in force, and the interfaces that it polices. Imported
only where there is a policy, or is to be: most hosts have none.

Beside maps and programs a map `objects` is pinned, which says what object files the programs are of.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from socket import if_indextoname, if_nameindex
from typing import NamedTuple

from ...model.change import REMOVE, Change
from ...model.errors import KernelError
from ...model.policed import BPF_FOLDER, LoadedPolicy
from ...model.policy import NO_ATTACHMENT, Attachment
from ...model.state import POLICED, POLICY, State, state_of
from ..netlink import port_macs
from . import attach, calls, objects, support
from .attach import Policed
from .hooks import REMEDIES
from .judging import judging
from .layout import NUMBER, SLOTS, pack
from .mount import mount, own_folder
from .pins import Pins, remove
from .slots import Slots, Stamped

_OBJECTS = "objects"
_DIGEST_SIZE = 32
_ZERO = NUMBER.pack(0)
_SUBJECT = f"{POLICY} policy"
_IN_THE_WAY = "has something of somebody else where weft's programs have to be ({}); {}"


def unable(folder: str = BPF_FOLDER) -> tuple[str, ...]:
    """What this host lacks for policies, in words. Some ten milliseconds; where something is loaded, nothing lacks."""
    try:
        if objects.loaded(folder):
            return ()
        return tuple(f"kernel {os.uname().release} has no {words}" for words in support.missing())
    except KernelError as error:
        return (error.reason,)


class Seen(NamedTuple):
    """hooks: of links, who else is there in our way, as (link, words)."""

    state: State
    hooks: tuple[tuple[str, str], ...]


class Plane:
    """One host's. Whatever it takes down or replaces it holds until its process ends, so that it can put it back."""

    def __init__(self, folder: str = BPF_FOLDER) -> None:
        self._folder = folder
        # By digest of their objects, and those of a policy that was taken down.
        self._programs: dict[str, Pins] = {}
        self._all: Pins | None = None

    def observe(self, links: Iterable[str]) -> Seen:
        """links: names of those that are ours."""
        looks = attach.looks(self._folder, links)
        remedy = REMEDIES[attach.way()]
        hooks = tuple(
            (link, _IN_THE_WAY.format(words, remedy)) for link, look in looks.items() for words in look.before
        )
        if not os.path.isdir(self._folder):
            return Seen({}, hooks)
        programs = {name: program.number for name, program in objects.loaded(self._folder).items()}
        loaded = LoadedPolicy(self._stamp(), self._digest(programs))
        policed = tuple(
            _attachment(link, look, programs) for link, look in looks.items() if look.policed or look.attached
        )
        return Seen(state_of({POLICY: (loaded,), POLICED: policed}), hooks)

    def _stamp(self) -> str:
        try:
            return judging(self._folder).stamp or ""
        except KernelError:
            return ""

    def _digest(self, programs: Iterable[str]) -> str:
        """Of the objects; "" where it is not known, or a program is missing."""
        if set(programs) != set(attach.PROGRAMS) or not os.path.lexists(self._path(_OBJECTS)):
            return ""
        handle = calls.pinned(self._path(_OBJECTS))
        try:
            found = calls.get(handle, _ZERO, _DIGEST_SIZE) or b""
        finally:
            os.close(handle)
        return found.hex() if any(found) else ""

    def apply(self, changes: Sequence[Change]) -> None:
        """Changes of the policy, and removals of policed interfaces. Raises KernelError; what judged still does."""
        for change in changes:
            if change.kind == POLICED:
                self._release(change.before)
            elif change.action == REMOVE:
                self._take_down()
            else:
                self._enforce(change.after)

    def police(self, changes: Sequence[Change]) -> None:
        """Interfaces that come or change. One that was found damaged and is to be so again stays as it is."""
        wanted = [
            (change.key, Policed(*change.after[1:])) for change in changes if change.after.number != NO_ATTACHMENT
        ]
        # What has come in by one that is up, and not been judged, must not be met by another's program on its way out.
        for incoming in (True, False):
            for link, policed in wanted:
                attach.police(self._folder, link, policed, incoming)

    def tidy(self) -> None:
        """Forgets interfaces that are gone."""
        if os.path.lexists(self._path("attachments")):
            for device in attach.known(self._folder):
                if _name(device) is None:
                    attach.forget(self._folder, device)

    def _enforce(self, policy: LoadedPolicy) -> None:
        if not os.path.isdir(self._folder):
            mount(os.path.dirname(self._folder))
        own_folder(self._folder)
        if self._all is not None:
            self._all.put_back()
        fresh = policy.objects not in ("", self._digest(objects.loaded(self._folder)))
        if fresh:
            self._load(policy)
        if policy.digest:
            with Slots(self._folder) as slots:
                _judge_by(slots, policy, fresh)
        if fresh:
            for device, policed in attach.known(self._folder).items():
                link = _name(device)
                if link is not None:
                    attach.police(self._folder, link, policed)
            for folder in objects.other_layouts(self._folder):
                remove(folder)

    def _load(self, policy: LoadedPolicy) -> None:
        """The programs before stay where they are attached until others take their places."""
        known = objects.loaded(self._folder)
        if known:
            self._programs.setdefault(self._digest(known), Pins(f"{self._folder}/programs"))
        # Not even a process that dies here leaves a name that is not true.
        self._set_digest(bytes(_DIGEST_SIZE))
        if policy.files:
            objects.load_objects(self._folder, policy.files)
        elif policy.objects in self._programs:
            self._programs[policy.objects].put_back()
        else:
            raise KernelError(_SUBJECT, "its programs are not here any more")
        self._set_digest(bytes.fromhex(policy.objects))

    def _set_digest(self, digest: bytes) -> None:
        path = self._path(_OBJECTS)
        if not any(digest) and not os.path.lexists(path):
            return
        made = not os.path.lexists(path)
        shape = (calls.ARRAY, NUMBER.size, _DIGEST_SIZE, 1)
        handle = calls.make_map(_OBJECTS, *shape) if made else calls.pinned(path)
        try:
            calls.put(handle, _ZERO, digest)
            if made:
                calls.pin(handle, path)
        finally:
            os.close(handle)

    def _release(self, before: Attachment) -> None:
        attach.release(self._folder, before.interface)
        # Ports of a bridge have its number.
        ports = [
            link
            for link, look in self._all_looks().items()
            if look.policed and look.policed.number == before.number != NO_ATTACHMENT
        ]
        for link in ports:
            attach.release(self._folder, link)
        port_macs.release(ports)

    def _take_down(self) -> None:
        """Wherever our programs are, also if nobody knows any more what for."""
        self._all = Pins(self._folder)
        policed = [link for link, look in self._all_looks().items() if look.policed or look.attached]
        for link in policed:
            attach.release(self._folder, link)
        port_macs.release(policed)
        remove(self._folder)

    def _all_looks(self) -> dict[str, attach.Look]:
        return attach.looks(self._folder, (name for _number, name in if_nameindex()))

    def _path(self, name: str) -> str:
        return objects.map_path(self._folder, name)


def _attachment(link: str, look: attach.Look, programs: Mapping[str, int]) -> Attachment:
    """One on which not all is as it was left, or programs are not those that are loaded, has NO_ATTACHMENT."""
    if look.policed is not None and look.is_judged_by(programs):
        return Attachment(link, *look.policed)
    return Attachment(link, NO_ATTACHMENT, 0, 0)


def _judge_by(slots: Slots, policy: LoadedPolicy, fresh: bool) -> None:
    """fresh: the programs are others than those that the slots were written for."""
    stamp = bytes.fromhex(policy.digest)
    current = slots.current()
    other = SLOTS - 1 - current
    if slots.stamp(current) == stamp and not fresh:
        return
    if slots.stamp(other) == stamp and not (fresh and policy.maps):
        slots.switch(other)
    elif policy.maps is not None:
        slots.switch(slots.write(Stamped(stamp, pack(policy.maps))).slot)
    elif slots.stamp(current) != stamp:
        raise KernelError(_SUBJECT, "its maps are not here any more")


def _name(device: int) -> str | None:
    try:
        return if_indextoname(device)
    except OSError:
        return None
