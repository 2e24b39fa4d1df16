# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compiled programs on their way to hosts, and kept there for the next boot."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.policy import NO_OBJECTS
from ansible_collections.weft.overlay.plugins.module_utils.edge.objects import NAMES, pack, read, unpack
from ansible_collections.weft.overlay.plugins.module_utils.edge.program import program
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError, PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import objects_of

CONTENTS = {"egress.bpf.o": bytes(range(256)) * 9, "ingress.bpf.o": b"\x7fELF"}


def test_what_was_packed_is_what_is_unpacked():
    assert unpack(pack(CONTENTS)) == objects_of(CONTENTS.items())
    assert unpack({}) == NO_OBJECTS
    assert all(isinstance(text, str) and text.isascii() for text in pack(CONTENTS).values())


@pytest.mark.parametrize("text", ["?", "AAAA", "", 7, None])
def test_what_is_damaged_on_the_way_is_refused(text):
    with pytest.raises(PlanError, match="the compiled programs of the policy cannot be read"):
        unpack({**pack(CONTENTS), "ingress.bpf.o": text})


def test_programs_that_are_not_compiled_are_named_with_what_compiles_them(tmp_path):
    (tmp_path / NAMES[0]).write_bytes(b"\x7fELF")
    with pytest.raises(IntentError, match=rf"{NAMES[1]}: No such file.*make bpf") as caught:
        read(str(tmp_path))
    assert len(caught.value.faults) == 1
    (tmp_path / NAMES[1]).write_bytes(b"")
    assert unpack(read(str(tmp_path))).files == ((NAMES[0], b"\x7fELF"), (NAMES[1], b""))


def test_they_are_part_of_what_a_host_keeps_and_of_its_digest():
    plain, one, two = program(), program(objects_of((("a.o", b"1"),))), program(objects_of((("a.o", b"2"),)))
    assert (plain.files, one.files) == ((), (("a.o", b"1"),))
    assert plain.sources == one.sources == two.sources
    assert len({plain.digest, one.digest, two.digest}) == 3
