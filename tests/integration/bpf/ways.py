# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Both ways to a hook: a test that asks for `way` is run by TCX and by clsact, whatever the kernel would take."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import support, tcx
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, TCX


@pytest.fixture(params=[TCX, CLSACT])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    if name == TCX and not tcx.is_there():
        pytest.skip("this kernel has no TCX (6.6)")
    go(monkeypatch, name)
    return name


def go(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on, as if this were a kernel that has it, or that does not."""
    monkeypatch.setattr(support, "has_tcx", lambda: name == TCX)
