# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A new policy is written where nothing judges, as little of it as differs, and takes over in one step."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import (
    EMPTY,
    ENDPOINT,
    IDENTITY_KEY,
    NUMBER,
    PAIR,
    PLACE,
    PREFIX,
    VERDICT,
    Tables,
    pack,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.objects import map_path
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.slots import STAMP_SIZE, Slots, Stamped
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import LINKS, maps, packet, tcp
from tests.integration.bpf.stage import Stage

SOMEONE = ENDPOINT.pack(300, 300, 1, 1)
ALL = (
    *("sources", "source_prefixes", "destinations", "destination_prefixes"),
    *("shadows", "identities", "verdicts", "port_classes"),
)


# Those that large() fills.
LARGE = tuple(name for name in ALL[:-1] if name != "shadows")


def called(name: int, tables: Tables) -> Stamped:
    return Stamped(bytes([name]) * STAMP_SIZE, tables)


def large(count: int, first: int = 0) -> Tables:
    """As many entries in each table."""
    numbers = range(first, first + count)
    places = {PLACE.pack(1, number.to_bytes(16, "big")): SOMEONE for number in numbers}
    prefixes = {PREFIX.pack(32 + 96, 1, number.to_bytes(12, "big") + bytes(4)): SOMEONE for number in numbers}
    lines = {PAIR.pack(number, 7, 80, 6): VERDICT.pack(number + 1, 1, 0) for number in numbers}
    members = {IDENTITY_KEY.pack(number, 7): SOMEONE for number in numbers}
    return Tables(places, prefixes, places, prefixes, members, lines, EMPTY.port_classes)


def test_what_is_written_is_there(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        for number, tables in enumerate((pack(maps()), large(1000), EMPTY, pack(maps())), start=1):
            slot = slots.write(called(number, tables)).slot
            assert slots.read(slot) == tables
            assert slots.stamp(slot) == bytes([number]) * STAMP_SIZE
            slots.switch(slot)
            assert slots.current() == slot


def test_slots_take_turns(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        first = slots.current()
        seen = []
        for number in range(1, 5):
            slot = slots.write(called(number, EMPTY)).slot
            slots.switch(slot)
            seen.append(slot)
    assert seen == [1 - first, first] * 2


def test_only_the_difference_is_written(empty: Stage) -> None:
    one, two = large(2000), large(2000, 5)
    with Slots(empty.folder) as slots:
        for number in (1, 2):
            slots.switch(slots.write(called(number, one)).slot)
        written = slots.write(called(3, two), called(1, one))
        assert (written.put, written.removed, written.made) == (5 * 6, 5 * 6, ())
        assert slots.read(written.slot) == two
        slots.switch(written.slot)
        # without knowing what is there
        written = slots.write(called(4, two))
        assert (written.put, written.removed, written.made) == (2000 * 6 + 1, 0, ALL)
        assert slots.read(written.slot) == two
        slots.switch(written.slot)
        lines = {**two.verdicts, PAIR.pack(6, 7, 80, 6): VERDICT.pack(0, 0, 0)}
        written = slots.write(called(5, two._replace(verdicts=lines)), called(4, two), called(3, two))
        assert (written.put, written.removed) == (1, 0)
        assert slots.read(written.slot).verdicts == lines


def test_what_a_writer_only_believes_is_not_built_upon(empty: Stage) -> None:
    """Its stamp is another's, so the slot is made anew."""
    with Slots(empty.folder) as slots:
        for number in (1, 2):
            slots.switch(slots.write(called(number, large(50))).slot)
        written = slots.write(called(4, large(60)), called(3, large(60)))
        assert written.made == ALL
        assert slots.read(written.slot) == large(60)


def test_a_table_grows_with_what_is_in_it(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        for number in (1, 2):
            slots.switch(slots.write(called(number, large(10))).slot)
        assert slots.write(called(3, large(200)), called(1, large(10))).made == ()
        written = slots.write(called(4, large(5000)), called(3, large(200)))
        assert written.made == LARGE
        assert slots.read(written.slot) == large(5000)
        # and does not stay so for ever
        assert slots.write(called(5, large(10)), called(4, large(5000))).made == LARGE
        assert slots.read(written.slot) == large(10)


def test_a_full_table_takes_other_entries(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        slots.switch(slots.write(called(1, EMPTY)).slot)
        for number, first in enumerate((0, 255, 100), start=2):
            written = slots.write(called(number, large(255, first)))
            assert slots.read(written.slot) == large(255, first)


def test_a_slot_that_was_not_written_to_the_end_does_not_judge(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        with pytest.raises(KernelError, match="does not hold a whole policy"):
            slots.switch(1 - slots.current())
        slots.switch(slots.write(called(1, large(50))).slot)
        # A value that no map takes, in the middle of it all.
        broken = large(50)._replace(verdicts={b"short": b"too"})
        with pytest.raises(KernelError, match="has to be 12 bytes each"):
            slots.write(called(2, broken))
        other = 1 - slots.current()
        assert slots.stamp(other) is None
        with pytest.raises(KernelError, match="does not hold a whole policy"):
            slots.switch(other)
        # Also where it was known what is there.
        slots.switch(slots.write(called(3, large(50))).slot)
        with pytest.raises(KernelError, match="has to be 12 bytes each"):
            slots.write(called(4, broken), called(1, large(50)))
        assert slots.stamp(1 - slots.current()) is None
        # It is mended by the next one.
        assert slots.read(slots.write(called(5, large(60)), called(4, broken)).slot) == large(60)


def test_a_stamp_says_something(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        for wrong in (bytes(STAMP_SIZE), b"short", b""):
            with pytest.raises(KernelError, match="stamp"):
                slots.write(Stamped(wrong, EMPTY))


def test_the_next_process_finds_it_all(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        slot = slots.write(called(1, large(10))).slot
        slots.switch(slot)
    with Slots(empty.folder) as slots:
        assert (slots.current(), slots.stamp(slot)) == (slot, bytes([1]) * STAMP_SIZE)
        assert slots.read(slot) == large(10)


@pytest.mark.fault("F26")
def test_without_a_policy_everything_is_dropped(empty: Stage) -> None:
    empty.add_links(*LINKS)
    for family in FAMILIES:
        for hook in ("ingress", "egress"):
            assert empty.show(packet("web", "db", family, tcp()), "web", hook).said == "UNREADY"
    # The policy is there, but not this interface.
    empty.enforce(maps())
    assert empty.show(packet("web", "db", "ipv4", tcp()), "web").said == "PASS"
    for hook in ("ingress", "egress"):
        assert empty.show(packet("web", "db", "ipv4", tcp()), "bare", hook).said == "UNREADY"


def test_every_switch_is_another_generation(empty: Stage) -> None:
    """Also one to the slot that judges already, and the last one that there is a number for."""
    handle = calls.pinned(map_path(empty.folder, "current"))

    def generation() -> int:
        found: int = NUMBER.unpack(calls.get(handle, NUMBER.pack(0), NUMBER.size) or b"")[0]
        return found

    with Slots(empty.folder) as slots:
        for number in (1, 2):
            slots.switch(slots.write(called(number, EMPTY)).slot)
        seen = [generation()]
        for slot in (0, 1, 1, 0, 0):
            slots.switch(slot)
            assert slots.current() == slot
            seen.append(generation())
        assert len(set(seen)) == len(seen)
        calls.put(handle, NUMBER.pack(0), NUMBER.pack(0xFFFFFFFF))
        for slot in (0, 1):
            slots.switch(slot)
            assert slots.current() == slot


def test_ports_of_another_size_are_refused(empty: Stage) -> None:
    with Slots(empty.folder) as slots:
        for number, known in ((1, ()), (2, (called(3, EMPTY),))):
            with pytest.raises(KernelError, match="has to be 393216 bytes"):
                slots.write(called(number, EMPTY._replace(port_classes=b"short")), *known)
            for _slot in range(2):
                slots.switch(slots.write(called(3, EMPTY)).slot)


@pytest.mark.fault("F26")
@pytest.mark.parametrize("missing", ALL)
def test_a_slot_that_lacks_a_table_lets_nothing_through(empty: Stage, missing: str) -> None:
    empty.add_links(*LINKS)
    empty.enforce(maps())
    with Slots(empty.folder) as slots:
        handle = calls.pinned(map_path(empty.folder, missing))
        calls.delete(handle, NUMBER.pack(slots.current()))
    for family in FAMILIES:
        for name in ("db", "lan", "world"):
            found = empty.show(packet("web", name, family, tcp()), "web")
            assert found.said == "UNREADY", (family, name)
