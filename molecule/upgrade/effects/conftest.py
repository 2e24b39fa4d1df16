"""Every effect file starts from a lab that is up and hosts that weft is not on, and leaves it so."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple

import pytest

from lab import runs
from lab.paths import RUN, TREE

RELEASES = os.path.join(TREE, "molecule", "upgrade", "releases")


class Release(NamedTuple):
    """An earlier release, unpacked in a folder of its own, and an inventory that it and this one work on."""

    folder: str
    inventory: runs.Inventory

    def site(self) -> runs.Run:
        return runs.playbook("site", self.inventory.folder, tree=self.folder)


@pytest.fixture(scope="module")
def release():
    """Unpack one by its name, for these hosts."""

    def unpack(name, members):
        folder = os.path.join(RUN, "upgrade", name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(f"{folder}/.collections/ansible_collections/weft")
        subprocess.run(["tar", "-xJf", os.path.join(RELEASES, f"{name}.tar.xz"), "-C", folder], check=True)
        os.symlink(folder, f"{folder}/.collections/ansible_collections/weft/overlay")
        os.symlink(os.path.join(TREE, ".cache"), f"{folder}/.cache")
        shutil.copy(os.path.join(TREE, "ansible.cfg"), folder)
        return Release(folder, runs.Inventory(f"{folder}-inventory", os.path.join(RELEASES, name), members))

    yield unpack
    shutil.rmtree(os.path.join(RUN, "upgrade"))
