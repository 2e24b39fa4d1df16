# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs are loaded all or none; what they remember outlives them; what cannot be loaded changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects, support
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import VERSION
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import is_mounted, mount
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.objects import map_path
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from tests.integration.bpf.place import LINKS, answer, maps, packet, query
from tests.integration.bpf.stage import OBJECTS, Stage, verified

# The verifier gives up at a million; older ones need more steps for the same program.
MOST_STEPS = 60_000
MOST_INSTRUCTIONS = 6_000


def everything(folder: str) -> dict[str, int]:
    """What is pinned, with its number."""
    found = {}
    for place, _folders, names in os.walk(folder):
        for name in names:
            handle = calls.pinned(f"{place}/{name}")
            info = calls.program_info if place.endswith("programs") else calls.map_info
            found[f"{place[len(folder) :]}/{name}"] = info(handle).number
            os.close(handle)
    return found


def test_this_kernel_has_what_policies_need() -> None:
    assert support.missing() == ()
    support.require()


def test_programs_are_far_from_the_verifiers_limits(empty: Stage) -> None:
    sizes = {name: verified(empty.folder, name) for name in empty.programs}
    assert set(sizes) == {"weft_ingress", "weft_egress"}
    assert all(found["verified"] > found["instructions"] > 500 for found in sizes.values()), sizes
    assert all(found["verified"] < MOST_STEPS for found in sizes.values()), sizes
    assert all(found["instructions"] < MOST_INSTRUCTIONS for found in sizes.values()), sizes


def test_what_was_remembered_outlives_its_programs(empty: Stage) -> None:
    empty.add_links(*LINKS)
    empty.enforce(maps())
    assert empty.show(packet("web", "db", "ipv4", query("ipv4", "tcp")), "web").said == "PASS"
    before = everything(empty.folder)
    again = Stage(empty.folder)
    try:
        again.devices = empty.devices
        assert again.show(packet("db", "web", "ipv4", answer("ipv4", "tcp")), "db").said == "PASS"
    finally:
        again.close()
    after = everything(empty.folder)
    assert {name for name in before if before[name] != after[name]} == {
        "/programs/weft_ingress",
        "/programs/weft_egress",
    }
    assert objects.loaded(empty.folder) == again.programs


def test_the_same_program_has_the_same_tag(empty: Stage) -> None:
    first = {name: program.tag for name, program in empty.programs.items()}
    again = objects.load(empty.folder, OBJECTS)
    assert {name: program.tag for name, program in again.items()} == first
    assert len(set(first.values())) == 2


def test_maps_are_as_large_as_they_are_asked_to_be(bpffs: str) -> None:
    folder = f"{bpffs}/weft"
    objects.load(folder, OBJECTS, {"flows": 1 << 18, "counters": 1 << 10})
    handle = calls.pinned(map_path(folder, "flows"))
    assert calls.map_info(handle).entries >= 1 << 18
    os.close(handle)
    # and stay so
    before = everything(folder)
    objects.load(folder, OBJECTS, {"flows": 1 << 10})
    assert before[f"/maps-{VERSION}/flows"] == everything(folder)[f"/maps-{VERSION}/flows"]


@pytest.mark.parametrize("damage", ["missing", "empty", "noise", "cut"])
def test_an_object_that_cannot_be_read_changes_nothing(empty: Stage, tmp_path: Path, damage: str) -> None:
    before = everything(empty.folder)
    good = Path(OBJECTS[1]).read_bytes()
    contents = {"empty": b"", "noise": bytes(range(256)) * 40, "cut": good[: len(good) // 2]}
    # beside the bpffs that the test stands in
    path = tmp_path.parent / f"{tmp_path.name}-{damage}.o"
    if damage in contents:
        path.write_bytes(contents[damage])
    with pytest.raises(KernelError, match="cannot be read as a BPF object") as caught:
        objects.load(empty.folder, (OBJECTS[0], str(path)))
    assert "make bpf" in str(caught.value)
    assert everything(empty.folder) == before


def test_a_program_that_the_kernel_refuses_changes_nothing(empty: Stage, tmp_path: Path) -> None:
    """The verifier's last words are in the error."""
    before = everything(empty.folder)
    good = bytearray(Path(OBJECTS[1]).read_bytes())
    # The first instruction of the program is overwritten by one that reads a register that nobody set.
    start = _section(bytes(good), b"tc")
    good[start : start + 8] = bytes.fromhex("bf90000000000000")
    path = tmp_path.parent / f"{tmp_path.name}-refused.o"
    path.write_bytes(good)
    with pytest.raises(KernelError, match="R9 !read_ok"):
        objects.load(empty.folder, (OBJECTS[0], str(path)))
    assert everything(empty.folder) == before


def _section(elf: bytes, name: bytes) -> int:
    """Where a section of a 64-bit ELF file begins."""
    table, size, count, names = (
        int.from_bytes(elf[40:48], "little"),
        *(int.from_bytes(elf[at : at + 2], "little") for at in (58, 60, 62)),
    )
    headers = [elf[table + number * size :][:size] for number in range(count)]
    texts = int.from_bytes(headers[names][24:32], "little")
    for header in headers:
        at = texts + int.from_bytes(header[:4], "little")
        if elf[at : elf.index(b"\0", at)] == name:
            return int.from_bytes(header[24:32], "little")
    raise AssertionError(f"no section {name!r}")


def test_a_map_of_another_shape_is_not_shared(bpffs: str) -> None:
    folder = f"{bpffs}/weft"
    os.makedirs(f"{folder}/maps-{VERSION}")
    handle = calls.make_map("flows", calls.HASH, 4, 4, 8)
    calls.pin(handle, map_path(folder, "flows"))
    os.close(handle)
    before = everything(folder)
    with pytest.raises(KernelError, match="not what these programs want"):
        objects.load(folder, OBJECTS)
    assert everything(folder) == before


def test_a_folder_that_is_not_on_bpffs_is_refused(bpffs: str, tmp_path_factory: pytest.TempPathFactory) -> None:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("plain")
    with pytest.raises(KernelError):
        objects.load(str(folder), OBJECTS)
    assert not any(path.is_file() for path in folder.rglob("*"))


def test_bpffs_is_mounted_where_it_is_missing(bpffs: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("fs"))
    assert is_mounted(bpffs)
    assert not is_mounted(folder)
    assert mount(folder)
    assert is_mounted(folder)
    assert not mount(folder)
    with pytest.raises(KernelError, match="No such file"):
        mount(f"{folder}/nowhere")


def test_a_host_without_programs_has_none(bpffs: str) -> None:
    assert objects.loaded(bpffs) == {}
    assert objects.loaded(f"{bpffs}/nothing") == {}
