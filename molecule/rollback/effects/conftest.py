"""Every effect file starts from a lab that is up and an overlay of hub, runner1 and runner2, and leaves it so."""

from __future__ import annotations

import pytest

from lab import runs, traffic

PAIR = ("runner1", "runner2")


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    """A copy of inventories/lab of this file's own, with the overlay standing and a container on each runner."""
    mine = runs.Inventory(str(tmp_path_factory.mktemp("inventory")))
    began = mine.site()
    assert began.code == 0, began.output
    assert traffic.settled(PAIR) == []
    yield mine
    mine.overlay()
    ended = mine.site()
    assert ended.code == 0, ended.output
