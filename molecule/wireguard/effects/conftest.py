"""Every effect file starts from a lab that is up and the plane of inventory/domain.yaml, and leaves it so."""

from __future__ import annotations

import pytest

from lab import plane, wg


@pytest.fixture(scope="module")
def inventory():
    """The inventory of the scenario, the plane standing as it says; a file may change it, and it is as before then."""
    mine = plane.inventory()
    began = mine.site()
    assert began.code == 0, began.output
    yield mine
    if not mine.restored():
        mine.restore()
        ended = mine.site()
        assert ended.code == 0, ended.output


@pytest.fixture
def sessions():
    """Call it first, and what it returns afterwards: public keys of the peers of a device that came, went, or are not
    quite the same. What counts its bytes from the start is another peer; a session that was renewed in time is not."""

    def take(host, link):
        before = wg.peers(host, link)

        def changed():
            after = wg.peers(host, link)
            return {key for key in {*before, *after} if not _goes_on(before.get(key), after.get(key))}

        return changed

    return take


def _goes_on(before, after):
    if before is None or after is None:
        return False
    growing = ("received", "sent", "handshake")
    moving = {**dict.fromkeys(growing, 0), "endpoint": ""}
    same = before._replace(**moving) == after._replace(**moving)
    return same and all(getattr(before, name) <= getattr(after, name) for name in growing)
