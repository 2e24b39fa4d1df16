# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tests of the BPF programs run in network and mount namespaces of their own, with a bpffs that is gone with them."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import unbind
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import mount
from tests.integration.bpf.place import LINKS, maps
from tests.integration.bpf.ports import tied
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import OBJECTS, Stage, ip
from tests.integration.bpf.ways import way  # noqa: F401  # a fixture

_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_LIBC = ctypes.CDLL(None, use_errno=True)


@contextmanager
def _namespaces(place: Path) -> Iterator[str]:
    """A bpffs at `place`, and an empty network."""
    if os.geteuid() != 0:
        pytest.fail("BPF programs need root")
    homes = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "mnt")]
    folder = os.getcwd()
    try:
        if _LIBC.unshare(_CLONE_NEWNET | _CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "unshare")
        if _LIBC.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None):
            raise OSError(ctypes.get_errno(), "mount")
        mount(str(place))
        ip("link set lo up")
        yield str(place)
    finally:
        for home, kind in zip(homes, (_CLONE_NEWNET, _CLONE_NEWNS)):
            _LIBC.setns(home, kind)
            os.close(home)
        os.chdir(folder)


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    missing = [path for path in OBJECTS if not Path(path).is_file()]
    if missing:
        pytest.fail(f"not compiled: {missing}; run `make bpf`")


@pytest.fixture
def bpffs(tmp_path: Path) -> Iterator[str]:
    with _namespaces(tmp_path) as folder:
        yield folder


@pytest.fixture
def empty(bpffs: str) -> Iterator[Stage]:
    """Programs without a policy."""
    stage = Stage(f"{bpffs}/weft")
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture(scope="module")
def _theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Loaded once for all tests of a file."""
    with _namespaces(tmp_path_factory.mktemp("bpf")) as folder:
        stage = Stage(f"{folder}/weft")
        stage.add_links(*LINKS)
        try:
            yield stage
        finally:
            stage.close()


@pytest.fixture
def stage(_theatre: Stage) -> Stage:
    """With the policy of place.py, and nothing remembered."""
    _theatre.enforce(maps())
    return _theatre


@pytest.fixture
def ports(stage: Stage) -> Stage:
    """With the policy of ports.py; nothing is bound."""
    for index in stage.devices.values():
        unbind(stage.folder, index)
    stage.enforce(tied())
    return stage


@pytest.fixture
def site(empty: Stage) -> Iterator[Site]:
    """With the policy of place.py; nothing is attached."""
    found = Site(empty)
    try:
        yield found
    finally:
        found.close()
