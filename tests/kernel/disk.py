# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The disks of the virtual machines: one root filesystem per recipe, kept outside the tree, and a disk per machine."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lab.cache import chroot, locked, mount_overlay
from lab.paths import CACHE
from lab.shell import run, say

RECIPE = Path(__file__).parent / "image"
RELEASE = "trixie"
SIZE = "3G"  # sparse: what is not used takes no room


class Content(NamedTuple):
    """A file to put on a disk, or a symbolic link (then text is empty)."""

    text: str
    mode: int = 0o644
    target: str | None = None


def root_filesystem() -> Path:
    """Build it if this recipe was not built yet."""
    with locked():
        final = Path(CACHE) / f"kernel-{RELEASE}-{_recipe_key()}"
        if not final.is_dir():
            say(f"building the root filesystem {final} (once, a few minutes)")
            building = final.with_name(f"{final.name}.building")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            _build(building / "root")
            building.rename(final)
    return final / "root"


def _recipe_key() -> str:
    digest = hashlib.sha256(f"{RELEASE} {platform.machine()}".encode())
    # The recorder and its like are put on each disk anew.
    for path in (RECIPE / "packages.txt", RECIPE / "customize.sh"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _build(root: Path) -> None:
    lines = (RECIPE / "packages.txt").read_text(encoding="utf-8").splitlines()
    packages = ",".join(word for line in lines for word in line.partition("#")[0].split())
    run(["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={packages}", RELEASE, str(root)])
    _put_tree(root)  # customize.sh enables units out of it
    shutil.copy(RECIPE / "customize.sh", root / "customize.sh")
    chroot(str(root), "/customize.sh")
    (root / "customize.sh").unlink()


def _put_tree(root: Path) -> None:
    run(["cp", "-a", "--no-preserve=ownership", f"{RECIPE}/tree/.", str(root)])


def disk(root: Path, image: Path, files: Mapping[str, Content]) -> None:
    """Write a disk image: the root filesystem, the recipe's own files, and these (absolute path -> content)."""
    with tempfile.TemporaryDirectory(prefix="weft-kernel-") as scratch:
        merged = Path(scratch) / "merged"
        mount_overlay([str(root)], f"{scratch}/upper", f"{scratch}/work", str(merged))
        try:
            _put_tree(merged)
            for path, content in files.items():
                _put(merged / path.lstrip("/"), content)
            image.unlink(missing_ok=True)
            run(["mke2fs", "-q", "-t", "ext4", "-F", "-d", str(merged), str(image), SIZE], timeout=300)
        finally:
            run(["umount", str(merged)])


def _put(place: Path, content: Content) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if content.target is not None:
        place.symlink_to(content.target)
        return
    place.write_text(content.text, encoding="utf-8")
    os.chmod(place, content.mode)
