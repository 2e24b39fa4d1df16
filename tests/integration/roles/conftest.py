# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every test begins with one of two states of a router and a NAS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.roles.sites import PLACES, Exchange, Site, build


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if os.geteuid() != 0:
        pytest.fail("mount namespaces need root")
    for place in PLACES:
        Path(place).mkdir(parents=True, exist_ok=True)
    found = Site(tmp_path_factory.mktemp("site"))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def states(site: Site) -> Site:
    """A site of which both states below are saved."""
    build(site)
    site.save("built")
    Exchange(site).store()
    site.save("stored")
    return site


@pytest.fixture
def built(states: Site) -> Site:
    """Both hosts have keys and clients, and the controller the plans and the ledger of it, as after converge."""
    states.restore("built")
    return states


@pytest.fixture
def stored(states: Site) -> Site:
    """The same after the first run that stored it."""
    states.restore("stored")
    return states
