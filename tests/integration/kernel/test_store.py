# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A store is whole after whatever happened to the run that wrote it, and says what happened to its disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.store import place as store_place
from ansible_collections.weft.overlay.plugins.module_utils.kernel.store.contents import Author, Store
from ansible_collections.weft.overlay.plugins.module_utils.kernel.store.manifest import EMPTY, entry_of
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

ROOT = Path(__file__).resolve().parents[3]
ADA = Author("ada@desk", "192.0.2.7")
FIRST = {"domain.yaml": b"version: 1\n", "plans/router.json": b"{}\n", "clients/router/phone/phone.conf": b"secret\n"}
SECOND = {**FIRST, "domain.yaml": b"version: 1\noverlay: {}\n"}


class Kept(Store):
    """One of a test: its disk and its memory below a folder of their own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder / "disk/weft"), str(folder / "host/stores.json"))
        self.path = folder / "disk/weft"
        self.memory = folder / "host/stores.json"

    def write(self, files: Mapping[str, bytes], keep: int = 10, first: bool = True, only: tuple[str, ...] = ()) -> bool:
        """only: the paths whose content is given, all where none is named."""
        contents = {path: data for path, data in files.items() if not only or path in only}
        with self.writing(first):
            changed, _newest = self.put({path: entry_of(data) for path, data in files.items()}, {}, contents, ADA, keep)
        return changed

    def content(self, path: str) -> tuple[bytes, int]:
        found = self.read(path)
        assert found is not None
        return found.data, found.generation.number

    def object_of(self, data: bytes) -> Path:
        return self.path / "objects" / hashlib.sha256(data).hexdigest()

    def tree(self) -> dict[str, bytes]:
        top = self.path / "current"
        return {
            str(Path(folder, name).relative_to(top)): Path(folder, name).read_bytes()
            for folder, _folders, names in os.walk(top)
            for name in names
        }


@pytest.fixture
def store(tmp_path: Path) -> Kept:
    (tmp_path / "disk").mkdir()
    return Kept(tmp_path)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_was_put_is_what_is_read_and_shown(store: Kept) -> None:
    assert store.write(FIRST)
    assert store.tree() == FIRST
    assert {path: store.content(path) for path in FIRST} == {path: (data, 1) for path, data in FIRST.items()}
    assert store.read("ledger.json") is None
    assert store.verify() == ()


def test_putting_the_same_again_writes_nothing(store: Kept) -> None:
    store.write(FIRST)
    before = {path: path.lstat() for path in store.path.rglob("*") if path.name != "lock"}
    assert store.write(FIRST) is False
    after = {path: path.lstat() for path in store.path.rglob("*") if path.name != "lock"}
    assert {path: (seen.st_ino, seen.st_mtime_ns) for path, seen in after.items()} == {
        path: (seen.st_ino, seen.st_mtime_ns) for path, seen in before.items()
    }


def test_only_what_changed_is_written(store: Kept) -> None:
    store.write(FIRST)
    phone = store.object_of(FIRST["clients/router/phone/phone.conf"])
    before = phone.stat().st_mtime_ns
    store.write(SECOND, only=("domain.yaml",))
    assert phone.stat().st_mtime_ns == before
    assert store.tree() == SECOND
    assert len(list((store.path / "objects").iterdir())) == 4


@pytest.mark.fault("F33")
def test_everything_is_roots_alone_whatever_the_umask(store: Kept) -> None:
    before = os.umask(0)
    try:
        store.write(FIRST)
    finally:
        os.umask(before)
    for path in (store.path, *store.path.rglob("*")):
        if not path.is_symlink() and path.name != "lock":
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_the_history_says_who_when_and_which_intent_and_is_a_chain(store: Kept) -> None:
    store.write(FIRST)
    store.write(SECOND)
    second, first = store.history()
    assert (second.number, second.who, second.origin) == (2, "ada@desk", "192.0.2.7")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", second.when)
    assert second.intent == hashlib.sha256(SECOND["domain.yaml"]).hexdigest()
    manifest = (store.path / "generations/1.json").read_bytes()
    assert (first.previous, second.previous) == (None, hashlib.sha256(manifest).hexdigest())


def test_a_forged_generation_breaks_the_chain(store: Kept, tmp_path: Path) -> None:
    store.write(FIRST)
    store.write(SECOND)
    (tmp_path / "other/disk").mkdir(parents=True)
    other = Kept(tmp_path / "other")
    other.write({"domain.yaml": b"forged\n"})
    shutil.copy(other.path / "generations/1.json", store.path / "generations/1.json")
    shutil.copy(other.object_of(b"forged\n"), store.path / "objects")
    assert store.verify() == ("generation 2 does not follow from 1 as it is now",)


def test_old_generations_go_with_all_that_only_they_had(store: Kept) -> None:
    for number in range(5):
        store.write({"domain.yaml": str(number).encode()}, keep=2)
    assert [manifest.number for manifest in store.history()] == [5, 4]
    assert len(list((store.path / "objects").iterdir())) == 2
    assert [path.name for path in (store.path / "trees").iterdir()] == ["5"]
    assert store.verify() == ()


@pytest.mark.fault("F32")
def test_a_damaged_file_is_found_its_last_good_version_read_and_the_next_put_mends_it(store: Kept) -> None:
    store.write(FIRST)
    store.write(SECOND)
    damage(store.object_of(SECOND["domain.yaml"]))
    status = store.look()
    assert (status.newest.number, status.damaged) == (2, ("domain.yaml",))
    assert status.notes == (f"damaged or missing in store {store.path}: domain.yaml",)
    assert store.verify() == ("domain.yaml of generation 2 is damaged or missing",)
    found = store.read("domain.yaml")
    assert found is not None
    assert (found.data, found.generation.number) == (FIRST["domain.yaml"], 1)
    assert found.notes == ("domain.yaml of generation 2 is damaged",)
    assert store.write(SECOND, only=("domain.yaml",)) is True
    assert (store.look().damaged, store.tree(), store.content("domain.yaml")) == (
        (),
        SECOND,
        (SECOND["domain.yaml"], 2),
    )


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 3), lambda path: path.chmod(0o644)])
def test_a_missing_half_or_open_file_is_found_too(store: Kept, harm) -> None:
    store.write(FIRST)
    harm(store.object_of(FIRST["domain.yaml"]))
    assert store.look().damaged == ("domain.yaml",)
    store.write(FIRST, only=("domain.yaml",))
    assert store.look().damaged == ()
    assert store.tree() == FIRST


def test_a_file_that_nobody_has_any_more_stays_known_as_damaged(store: Kept) -> None:
    store.write(FIRST)
    damage(store.object_of(FIRST["clients/router/phone/phone.conf"]))
    store.write(SECOND, only=("domain.yaml",))
    assert store.look().damaged == ("clients/router/phone/phone.conf",)
    assert set(store.tree()) == {"domain.yaml", "plans/router.json"}
    with pytest.raises(KernelError, match=r"no version of clients/router/phone/phone.conf is whole"):
        store.read("clients/router/phone/phone.conf")


@pytest.mark.parametrize("harm", [damage, lambda path: os.truncate(path, 100), lambda path: path.write_text("{}")])
def test_a_damaged_generation_is_passed_over_told_and_replaced(store: Kept, harm) -> None:
    store.write(FIRST)
    store.write(SECOND)
    harm(store.path / "generations/2.json")
    status = store.look()
    assert status.newest.number == 1
    assert status.notes == (f"generation 2 of store {store.path} is damaged; the one before it counts",)
    found = store.read("domain.yaml")
    assert found is not None
    assert (found.data, found.notes) == (FIRST["domain.yaml"], status.notes)
    assert store.write(SECOND) is True
    assert [manifest.number for manifest in store.history()] == [3, 1]
    assert (store.look().notes, store.verify(), store.tree()) == ((), (), SECOND)


@pytest.mark.fault("F32")
def test_where_every_generation_is_damaged_nothing_is_read_as_if_it_were_empty(store: Kept) -> None:
    store.write(FIRST)
    damage(store.path / "generations/1.json")
    with pytest.raises(KernelError, match=r"no version of domain.yaml is whole"):
        store.read("domain.yaml")


def test_what_somebody_edits_in_the_tree_is_noticed(store: Kept) -> None:
    store.write(FIRST)
    (store.path / "current/domain.yaml").write_bytes(b"version: 2\n")
    assert store.look().damaged == ("domain.yaml",)


def test_a_later_release_is_not_mended_by_an_earlier_one(store: Kept) -> None:
    store.write(FIRST)
    path = store.path / "generations/1.json"
    document = json.loads(path.read_bytes())
    document.update(version=2)
    document.pop("sha256")
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(document))
    with pytest.raises(KernelError, match="version 2, this release reads 1; install a newer collection"):
        store.look()


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/../b", ".x", "a/", "", "a\nb", "a b"])
def test_no_path_leads_out_of_the_store(store: Kept, path: str) -> None:
    with pytest.raises(KernelError, match="is no path of a file in a store"):
        store.write({path: b"x"}, only=("nothing",))
    with pytest.raises(KernelError, match="is no path of a file in a store"):
        store.write({path: b"x"})


def test_a_file_without_its_content_is_refused_before_anything_is_written(store: Kept) -> None:
    store.write(FIRST)
    with pytest.raises(KernelError, match=r"domain.yaml came without its content"):
        store.write(SECOND, only=("plans/router.json",))
    assert store.history()[0].number == 1


def test_nothing_is_read_from_a_store_that_never_was(store: Kept) -> None:
    with pytest.raises(KernelError, match="there is no store yet; run site"):
        store.read("domain.yaml")
    with pytest.raises(KernelError, match="there is no store yet"):
        store.write(FIRST, first=False)
    assert store.look().newest == EMPTY
    assert not store.path.exists()


def test_a_mount_point_without_its_disk_is_refused(store: Kept, tmp_path: Path) -> None:
    store.write(FIRST)
    disk = tmp_path / "unmounted"
    store.path.rename(disk)
    store.path.mkdir()
    for attempt in (lambda: store.read("domain.yaml"), lambda: store.write(FIRST), store.exists):
        with pytest.raises(KernelError, match="was here, and now there is none: is its disk mounted"):
            attempt()
    store.path.rmdir()
    with pytest.raises(KernelError, match="is its disk mounted"):
        store.write(FIRST)
    disk.rename(store.path)
    assert store.content("domain.yaml") == (FIRST["domain.yaml"], 1)


def test_another_disk_in_its_place_is_refused_until_somebody_says_that_it_is_meant(store: Kept, tmp_path: Path) -> None:
    store.write(FIRST)
    (tmp_path / "other/disk").mkdir(parents=True)
    other = Kept(tmp_path / "other")
    other.write(SECOND)
    shutil.rmtree(store.path)
    shutil.copytree(other.path, store.path, symlinks=True)
    with pytest.raises(KernelError, match="another disk is mounted"):
        store.read("domain.yaml")
    store.memory.unlink()
    assert store.content("domain.yaml") == (SECOND["domain.yaml"], 1)


def test_a_new_host_takes_over_the_disk_of_the_old_one(store: Kept) -> None:
    store.write(FIRST)
    store.memory.unlink()
    assert store.write(FIRST) is False
    shutil.rmtree(store.path)
    with pytest.raises(KernelError, match="is its disk mounted"):
        store.write(FIRST)


def test_a_folder_with_something_else_in_it_does_not_become_a_store(store: Kept) -> None:
    store.path.mkdir()
    (store.path / "photo.jpg").touch()
    with pytest.raises(KernelError, match="it is no store, and not empty either"):
        store.write(FIRST)
    assert [path.name for path in store.path.iterdir()] == ["photo.jpg"]


def test_a_new_disk_with_nothing_but_lost_and_found_does(store: Kept) -> None:
    (store.path / "lost+found").mkdir(parents=True)
    assert store.write(FIRST)


def test_a_mount_point_of_fstab_that_is_not_mounted_does_not_become_a_store(store: Kept, tmp_path: Path) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text(f"# disks\nUUID=1 / ext4 defaults 0 1\nUUID=2 {tmp_path}/disk ext4 defaults 0 2\n")
    with pytest.raises(KernelError, match=f"{tmp_path}/disk is to be mounted according to .*, and is not"):
        store_place.make(str(store.path), str(fstab))
    fstab.write_text(f"UUID=2 {tmp_path}/disk2 ext4\nUUID=3 /proc proc defaults\n")
    assert store_place.make(str(store.path), str(fstab))


def test_a_damaged_marker_is_not_taken_for_none(store: Kept) -> None:
    store.write(FIRST)
    damage(store.path / "weft-store")
    with pytest.raises(KernelError, match="marker"):
        store.read("domain.yaml")


def test_two_runs_do_not_write_at_once(store: Kept) -> None:
    store.write(FIRST)
    hold = ["flock", str(store.path / "lock"), "sh", "-c", "echo held; exec sleep 1"]
    with subprocess.Popen(hold, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        begin = time.monotonic()
        store.write(SECOND)
        assert time.monotonic() - begin > 0.5
    assert store.tree() == SECOND


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
import conftest
from pathlib import Path
from tests.integration.kernel.test_store import Kept
store = Kept(Path(sys.argv[2]))
print("ready", flush=True)
number = 0
while True:
    number += 1
    files = {f"plans/host{place}.json": f"{number} {place}".encode() for place in range(20)}
    store.write({**files, "domain.yaml": str(number).encode()}, keep=3)
"""


@pytest.mark.fault("F33")
def test_a_run_that_is_killed_at_any_moment_leaves_a_whole_store(store: Kept) -> None:
    """The files of a generation all carry its number: one that mixes two would be half of each."""
    command = [sys.executable, "-c", WRITER, str(ROOT), str(store.path.parents[1])]
    for round_ in range(12):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.05 + 0.013 * round_)
            writer.send_signal(signal.SIGKILL)
        status = store.look()
        assert (status.damaged, store.verify()) == ((), ())
        if status.newest.number:
            number = store.content("domain.yaml")[0].decode()
            wanted = {f"plans/host{place}.json": f"{number} {place}".encode() for place in range(20)}
            assert {path: store.content(path)[0] for path in wanted} == wanted
    assert status.newest.number > 12
    final = {"domain.yaml": b"end"}
    store.write(final, keep=1)
    assert store.tree() == final
    names = {path.name for path in store.path.rglob("*")}
    assert not {name for name in names if name.startswith(".")}
    assert len(list((store.path / "objects").iterdir())) == 1


@pytest.mark.fault("F05")
def test_a_disk_that_is_full_leaves_the_generation_before(store: Kept) -> None:
    disk = store.path.parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    try:
        store.write(FIRST)
        with pytest.raises(KernelError, match="No space left on device"):
            store.write({**SECOND, "plans/large.json": os.urandom(400_000)})
        assert store.content("domain.yaml") == (FIRST["domain.yaml"], 1)
        assert store.verify() == ()
        store.write(SECOND)
        assert store.tree() == SECOND
    finally:
        subprocess.run(["umount", str(disk)], check=True)
