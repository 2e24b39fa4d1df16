# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The guard runs in network and mount namespaces of its own, with a bpffs and a Docker that are gone with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.bpf.conftest import bpffs, empty
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.test_ports import port_maps
from tests.integration.guard.scene import Scene

__all__ = ["bpffs", "empty"]


@pytest.fixture
def scene(empty: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    # The path of a socket may have 107 characters.
    found = Scene(tmp_path_factory.mktemp("g"), empty, port_maps())
    try:
        yield found
    finally:
        found.close()
