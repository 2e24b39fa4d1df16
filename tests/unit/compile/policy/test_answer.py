# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Answers say who is who, what decides, and whose permission is missing."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.answer import Words, answers
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.explain import Explainer, peers_of
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.matrix import matrix
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.permissions import Permissions
from ansible_collections.weft.overlay.plugins.module_utils.intent.question import Question, Service, table
from tests.unit.compile.policy import answers as domain

MAPS = domain.maps()
EXPLAINER, PERMISSIONS = Explainer(MAPS), Permissions(domain.tenancy())


def lines(source, destination, protocol, port, permissions=PERMISSIONS):
    asked = Question(source, destination, Service(protocol, port))
    return Words(MAPS).lines(asked, answers(asked, EXPLAINER, permissions))


OBSERVED = "passes and is recorded, for it is only observed; else denied: "
NONE_INTO = "no rule of {0}'s ingress allows it (no policy with ingress selects {0})"
NONE_OUT_OF = "no rule of {0}'s egress allows it (no policy with egress selects {0})"

# (question, the only line after the question, the same from the maps alone; None: likewise)
SAID = [
    (
        ("web", "api", "TCP", 443),
        "allowed by policies.api-in.ingress[0], and by policies.web-out.egress[0]",
        "allowed by policies.api-in.ingress[0]",
    ),
    (
        ("web", "api", "TCP", 80),
        "denied: no rule of api's ingress allows it (policies that select api: api-in)",
        "denied: no rule of api's ingress allows it, or no rule of web's egress allows it",
    ),
    (
        ("laptop", "web", "TCP", 80),
        f"denied: {NONE_INTO.format('web')}, and {NONE_OUT_OF.format('laptop')}",
        "denied: no rule of web's ingress allows it, or no rule of laptop's egress allows it",
    ),
    (("web", "db", "TCP", 5432), "denied by policies.db-in.ingress[1]", None),
    (
        ("runner", "cache", "TCP", 1),
        f"{OBSERVED}{NONE_INTO.format('cache')}, and {NONE_OUT_OF.format('runner')}",
        f"{OBSERVED}no rule of cache's ingress allows it, or no rule of runner's egress allows it",
    ),
    (("runner", "api", "TCP", 443), "denied: dev and prod are not peered", None),
    (("192.0.2.1", "198.51.100.1", "TCP", 1), "passes, for neither end is a peer, and policies are about peers", None),
    (
        ("203.0.113.9", "api", "UDP", 53),
        "denied: no rule of api's ingress allows it (policies that select api: api-in)",
        "denied: no rule of api's ingress allows it",
    ),
]


@pytest.mark.parametrize(("asked", "whole", "alone"), SAID, ids=lambda value: str(value)[:40])
def test_an_answer_says_what_decides_and_whose_permission_is_missing(asked, whole, alone):
    (line,) = lines(*asked)
    assert line.partition(": ")[2] == whole
    (line,) = lines(*asked, permissions=None)
    assert line.partition(": ")[2] == (alone or whole)


@pytest.mark.parametrize(
    ("source", "destination", "shown"),
    [
        ("api", "web", "api (prod) → web (prod), TCP 1"),
        ("10.20.0.9", "web", "laptop (prod) at 10.20.0.9 → web (prod), TCP 1"),
        ("api", "203.0.113.9", "api (prod) → 203.0.113.9 in 203.0.113.0/24 (prod), TCP 1"),
        ("api", "192.0.2.1", "api (prod) → 192.0.2.1 (world), TCP 1"),
        # prod has it as well as old, and dev reaches neither
        ("10.20.0.2", "runner", "10.20.0.2 → runner (dev), TCP 1"),
    ],
)
def test_an_answer_says_who_is_at_an_address(source, destination, shown):
    (line,) = lines(source, destination, "TCP", 1)
    assert line.partition(": ")[0] == shown


def test_an_address_of_several_networks_out_of_reach_is_told_as_that():
    (line,) = lines("10.20.0.2", "runner", "TCP", 1)
    assert line.endswith("denied: peers of several networks have this address, none of them in reach of the other end")


def test_parts_of_a_peer_that_differ_have_a_line_each():
    ends = "batch (prod) at 10.20.0.4 → db (prod) at 10.20.8.0"
    why = "no rule of batch's egress allows it (policies that select batch: batch-out)"
    by = "policies.db-in.ingress[0], and by policies.batch-out.egress[0]"
    assert lines("batch", "db", "TCP", 5432) == [
        f"{ends}/24, TCP 5432: denied: {why}",
        f"{ends}/28, TCP 5432: allowed by {by}",
    ]


def test_parts_of_a_peer_of_which_the_same_is_true_have_one_line():
    asked = Question("laptop", "db", Service("TCP", 1))
    assert [answer.found.destination_prefix for answer in answers(asked, EXPLAINER, PERMISSIONS)] == [
        "10.20.8.0/24",
        "10.20.8.0/28",
    ]
    (line,) = lines("laptop", "db", "TCP", 1)
    assert line.startswith("laptop (prod) → db (prod), TCP 1: denied")


def test_a_table_says_so_where_parts_differ():
    assert matrix(table(["TCP/5432"], ["batch", "db"], ["batch", "db"]), EXPLAINER)[-2:] == [
        "| batch       | ·     | allow, deny |",
        "| db          | ·     | ·           |",
    ]


def test_two_without_addresses_of_one_family_have_no_packet_between_them():
    assert lines("six", "db", "TCP", 1) == [
        "six → db, TCP 1: neither allowed nor denied, they have no addresses of one family that it could be between"
    ]


def test_a_table_says_of_each_two_peers_what_an_answer_says():
    names = [peer.name for peer in peers_of(MAPS)]
    found = matrix(table(["TCP/443", "ICMP/8"], [], names), EXPLAINER)
    assert [line for line in found if line and not line.startswith("|")] == ["TCP 443", "ICMP type 8"]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in found if line.startswith("| ")]
    for service, table_rows in (
        (Service("TCP", 443), rows[: len(rows) // 2]),
        (Service("ICMP", 8), rows[len(rows) // 2 :]),
    ):
        head, _rule, *body = table_rows
        assert head[1:] == [row[0] for row in body] == names
        for source, *cells in body:
            for destination, cell in zip(names, [*cells, *[""] * (len(names) - len(cells))]):
                said = {one.verdict() for one in answers(Question(source, destination, service), EXPLAINER, None)}
                assert set(cell.replace("·", "deny").split(", ")) - {""} == said


def test_a_table_is_lined_up_for_who_reads_it_as_text():
    assert matrix(table(["TCP/443"], ["web", "api", "cache", "six"], ["api", "cache", "six", "web"]), EXPLAINER) == [
        "TCP 443",
        "",
        "| from ↓ to → | api   | cache    | six | web |",
        "| ----------- | ----- | -------- | --- | --- |",
        "| api         | ·     | ·        |     | ·   |",
        "| cache       | ·     | observed |     | ·   |",
        "| six         |       |          | ·   | ·   |",
        "| web         | allow | ·        | ·   | ·   |",
    ]
