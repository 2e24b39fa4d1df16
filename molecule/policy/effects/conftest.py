"""Every effect file starts from a lab that is up and the policies of inventory/domain.yaml, and leaves it so."""

from __future__ import annotations

import pytest

from lab import tenants


@pytest.fixture(scope="module")
def inventory():
    """The inventory of the scenario, hosts as it says; a file may change it, and it is as before then."""
    mine = tenants.inventory()
    began = mine.site()
    assert began.code == 0, began.output
    yield mine
    mine.restore()
    ended = mine.site()
    assert ended.code == 0, ended.output
