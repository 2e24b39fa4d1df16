# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What of others is remembered before it is first written into."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.diff.origins import written_into
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import FIREWALLD, IPTABLES_LEGACY
from ansible_collections.weft.overlay.plugins.module_utils.model.origin import CHAIN, Around
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities
from tests.unit.diff.test_desired import HUB


def chains(firewall, around, known=()):
    state = desired(HUB, Capabilities(True, firewall)).state
    found = written_into(state, around, HUB, dict.fromkeys(known))
    return [origin.name for origin in found if origin.sort == CHAIN]


def test_tables_and_chains_that_come_with_direct_rules_of_firewalld_are_remembered():
    assert desired(HUB, Capabilities(True, FIREWALLD)).state[kinds.DIRECT]
    assert chains(FIREWALLD, Around(chains=frozenset())) == ["ip filter", "ip filter FORWARD"]


def test_those_that_are_there_are_somebody_elses():
    assert chains(FIREWALLD, Around(chains=frozenset(("ip filter",)))) == ["ip filter FORWARD"]
    assert chains(FIREWALLD, Around(chains=frozenset(("ip filter", "ip filter FORWARD")))) == []


def test_they_are_remembered_once():
    known = ("chain ip filter", "chain ip filter FORWARD")
    assert chains(FIREWALLD, Around(chains=frozenset()), known) == []


def test_where_nobody_looked_or_nothing_of_nft_is_written_there_are_none():
    assert chains(FIREWALLD, Around(chains=None)) == []
    assert chains(IPTABLES_LEGACY, Around(chains=frozenset())) == []
