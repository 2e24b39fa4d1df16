# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ledger after a teardown agrees with the hosts, and with the stores that are left."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import (
    EMPTY,
    ClientEntry,
    Entry,
    Ledger,
    LinkEntry,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.forgetting import forgetting
from ansible_collections.weft.overlay.plugins.module_utils.model.trace import KEYS, STORE

OF_WG0, OF_WG1, OF_ANNA, OF_NEXT = (letter * 43 + "=" for letter in "ABCD")
ANNA = ClientEntry(("10.8.0.2",), Ends(OF_ANNA, OF_NEXT), 1500, True)
WG0 = LinkEntry("router", Ends(OF_WG0), 1500, {"anna": ANNA}, (("10.8.0.9", "bert"),))
WG1 = LinkEntry("nas1", Ends(OF_WG1))
LEDGER = Ledger({"hub": Entry(None, "192.0.2.1")}, interfaces={"wg0": WG0, "wg1": WG1}, audit={"hub": "x", "nas1": "y"})
MEMBERS = ("hub", "router", "nas1")
NOTHING = {name: {} for name in MEMBERS}
STORED = {"/srv/weft": STORE, "/var/lib/weft/stores.json": STORE}
ITS_KEYS = {"/var/lib/weft/keys": KEYS}


def test_keys_that_nobody_has_are_forgotten_and_nothing_else_is():
    found = forgetting(LEDGER, MEMBERS, NOTHING)
    anna = ANNA._replace(ends=Ends(), preshared=False)
    assert found.ledger == LEDGER._replace(
        interfaces={"wg0": WG0._replace(ends=Ends(), clients={"anna": anna}), "wg1": WG1._replace(ends=Ends())},
        audit={},
    )
    ending = "any more: site.yml makes new ones, and every client gets another file"
    assert found.notes == (
        f"nobody has the private keys of wg1 of nas1 {ending}",
        f"nobody has the private keys of wg0 of router {ending}",
    )
    assert forgetting(found.ledger, MEMBERS, NOTHING) == (found.ledger, ())


def test_keys_that_were_kept_are_remembered():
    found = forgetting(LEDGER, MEMBERS, {**NOTHING, "router": ITS_KEYS})
    assert found.ledger.interfaces["wg0"] == WG0
    assert found.ledger.interfaces["wg1"].ends == Ends()


@pytest.mark.parametrize(
    "kept",
    [{**NOTHING, "nas1": STORED}, {"hub": {}, "router": {}}],
    ids=["a store stays", "somebody who may have a store was not reached"],
)
def test_keys_that_may_come_back_are_remembered_and_the_ways_are_told(kept):
    found = forgetting(LEDGER, MEMBERS, kept)
    assert found.ledger == LEDGER
    assert found.notes[-1] == (
        "router has the private keys of wg0 no more: recover.yml -e target=router brings them back where a store has "
        "them, site.yml -e weft_new_keys=router makes new ones"
    )


def test_there_may_be_no_ledger():
    assert forgetting(EMPTY, MEMBERS, NOTHING) == (EMPTY, ())
