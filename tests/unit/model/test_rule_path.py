# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts say where a rule stands as messages about the intent do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.names import NETWORK
from ansible_collections.weft.overlay.plugins.module_utils.intent.node import below
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import RuleName

# Of the characters that names of policies may have.
NAMES = st.from_regex(rf"[{NETWORK.first}][{NETWORK.rest}]{{0,62}}", fullmatch=True)


@given(NAMES, st.sampled_from(["ingress", "egress"]), st.integers(0, 1000))
def test_a_rule_is_where_the_intent_says_it_is(policy: str, direction: str, position: int) -> None:
    assert RuleName(policy, direction, position).path() == f"{below('policies', policy)}.{direction}[{position}]"


def test_the_spelling_is_this_one() -> None:
    assert RuleName("web-in", "ingress", 2).path() == "policies.web-in.ingress[2]"
    assert RuleName("web.in", "egress", 0).path() == 'policies["web.in"].egress[0]'
