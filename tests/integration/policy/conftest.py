# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tests of policies on hosts run in network and mount namespaces of their own, where bpffs is not mounted yet."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bpf.stage import OBJECTS, ip
from tests.integration.bpf.ways import way  # noqa: F401  # a fixture
from tests.integration.policy.home import home  # noqa: F401  # a fixture
from tests.integration.policy.town import Town

_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    missing = [path for path in OBJECTS if not Path(path).is_file()]
    if missing:
        pytest.fail(f"not compiled: {missing}; run `make bpf`")


@pytest.fixture
def town() -> Iterator[Town]:
    if os.geteuid() != 0:
        pytest.fail("BPF programs need root")
    homes = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "mnt")]
    folder = os.getcwd()
    found = Town()
    try:
        if _LIBC.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        if _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
            raise OSError(ctypes.get_errno(), "mount")
        while os.path.ismount("/sys/fs/bpf"):
            subprocess.run(["umount", "--lazy", "/sys/fs/bpf"], check=True)
        ip("link set lo up")
        yield found
    finally:
        found.close()
        for home, kind in zip(homes, (_CLONE_NEWNET, _CLONE_NEWNS)):
            _LIBC.setns(home, kind)
            os.close(home)
        os.chdir(folder)
