# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which ports of policed bridges may speak, for whom, and what has to be done for that.

A port is judged from the moment that it is seen: without a binding it says nothing. It is bound to its container's
addresses, then judged, kept to the container's MAC address, then opened. One that was bound stays so for as long as it
is there: what is at its other end does not change, and neither do the addresses that Docker gave it, nor its labels.
So nobody who speaks depends on Docker's answers, or on who asks for them having been there all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Union

from ..model.bridge_port import Bind, Bindings, BridgePort, Close, Hear, Keep, Open, Police, Speaker, Unbind
from ..model.policy import BOUND, PORTS, Attachment

Step = Union[Unbind, Bind, Hear, Police, Keep, Open, Close]


class Decision(NamedTuple):
    """steps: those of each port together, in their order. strangers: ports that stay closed, for nobody is known to be
    at their other ends."""

    steps: tuple[tuple[Step, ...], ...]
    strangers: tuple[BridgePort, ...]


def decide(
    ports: Sequence[BridgePort],
    speakers: Sequence[Speaker] | None,
    bindings: Bindings,
    bridges: Mapping[str, Attachment],
) -> Decision:
    """ports: all of the bridges, but for those that are attachments themselves. speakers: those that Docker knows, at
    least of ports that are not bound; None: it was not asked, or does not answer. bridges: their attachments, by name.
    """
    whose = {} if speakers is None else _whose(ports, speakers)
    left, going = _left(ports, bindings, whose)
    steps: list[tuple[Step, ...]] = [(Unbind(number),) for number in sorted(going)]
    strangers = []
    for port in ports:
        wanted = port_of(port, bridges[port.bridge])
        held = left.get(port.number, {})
        speaker = whose.get(port.number)
        if speaker is not None:
            found = _for_speaker(port, speaker, held, wanted)
        elif held:
            found = _for_bound(port, wanted)
            if port.opened is False or not _own(port):
                strangers.append(port)
        elif speakers is None and port.opened and port.policed is None:
            # It passed before there was a gate. Who it is, Docker says later.
            strangers.append(port)
            continue
        else:
            found = _for_stranger(port, wanted)
            strangers.append(port)
        steps.append(tuple(found))
    return Decision(tuple(found for found in steps if found), tuple(strangers))


def settled(ports: Iterable[BridgePort], bindings: Bindings) -> frozenset[str]:
    """Addresses of those who speak already, and of whom Docker need not be asked."""
    speaking = {port.number for port in ports if port.opened is not False and port.policed is not None and _own(port)}
    return frozenset(address for number, address in bindings if number in speaking)


def port_of(port: BridgePort, bridge: Attachment) -> Attachment:
    """How a port of a bridge is policed."""
    return Attachment(port.name, bridge.number, bridge.network, bridge.flags & ~PORTS | BOUND)


def _whose(ports: Iterable[BridgePort], speakers: Iterable[Speaker]) -> dict[int, Speaker]:
    """By number of the port. A namespace says whose a port is, for nobody but its owner's host can put a port's other
    end there; a container has one port of a bridge."""
    ends = {(speaker.bridge, speaker.space): speaker for speaker in speakers if speaker.addresses}
    found = {port.number: ends.get((port.bridge, port.space)) for port in ports if port.space is not None}
    return {number: speaker for number, speaker in found.items() if speaker is not None}


def _left(
    ports: Iterable[BridgePort], bindings: Bindings, whose: Mapping[int, Speaker]
) -> tuple[dict[int, dict[str, int]], set[int]]:
    """What stays bound, by number of the port, and the ports that lose all: those that are gone, and those whose
    address now is somebody else's."""
    there = {port.number for port in ports}
    owners: dict[str, set[int]] = {}
    for number, speaker in whose.items():
        for address in speaker.addresses:
            owners.setdefault(address, set()).add(number)
    left: dict[int, dict[str, int]] = {}
    going: set[int] = set()
    for (number, address), identity in bindings.items():
        lost = number not in whose and address in owners
        if number not in there or lost:
            going.add(number)
        left.setdefault(number, {})[address] = identity
    return {number: held for number, held in left.items() if number not in going}, going


def _for_speaker(port: BridgePort, speaker: Speaker, held: Mapping[str, int], wanted: Attachment) -> Iterator[Step]:
    for address in speaker.addresses:
        if held.get(address) != speaker.identity_of(address):
            yield Bind(port.number, address, speaker.identity_of(address))
    for address in sorted(held.keys() - set(speaker.addresses)):
        yield Unbind(port.number, address)
    yield from _police(port, wanted)
    macs = frozenset((speaker.mac,))
    yield from _keep(port, macs)
    if port.opened is False or not held:
        yield Open(port, f"{speaker.name} ({', '.join(speaker.addresses)}){speaker.says}")
    if port.opened is False:
        # In the VLAN that it is in from then on, too.
        yield Keep(port, macs)


def _for_bound(port: BridgePort, wanted: Attachment) -> Iterator[Step]:
    """One of which Docker was not asked: nobody else knows its MAC address, if the bridge does not any more."""
    yield from _police(port, wanted)
    if _own(port):
        yield from _keep(port, _own(port))


def _for_stranger(port: BridgePort, wanted: Attachment) -> Iterator[Step]:
    """Nothing passes its program, so nothing has to be kept from the bridge; but what is sent to who was there."""
    yield from _police(port, wanted)
    if _own(port):
        yield Keep(port, frozenset())
    if port.opened:
        yield Close(port, "nobody knows who is at its other end")


def _police(port: BridgePort, wanted: Attachment) -> Iterator[Step]:
    if port.policed != wanted:
        yield Hear(port.number, wanted)
        yield Police(port.number, wanted)


def _keep(port: BridgePort, macs: frozenset[str]) -> Iterator[Step]:
    if not port.strict or port.macs != macs:
        yield Keep(port, macs)


def _own(port: BridgePort) -> frozenset[str]:
    """The MAC addresses that are its own for good."""
    return frozenset(mac for mac in port.macs if " " not in mac)


def halves(steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    """Of one port: what has to be done of all ports before the rest is of any."""
    middle = next((place for place, step in enumerate(steps) if isinstance(step, Police)), len(steps))
    return steps[:middle], steps[middle:]
