# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Metrics are what Prometheus reads, and totals never go back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.metrics import OTHERS, Standing, Totals, text
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.names import Names
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import Counted
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import Identity, PolicyMaps
from tests.unit.edge.prometheus import parse

WEB, DB = 256, 257
NAMES = Names("hub", PolicyMaps(identities=(Identity(WEB, "web", 1), Identity(DB, "db", 1))))
STANDING = Standing("hub", "ab" * 32, "ab" * 32, 7, 12.5, 100, 90, 10, 3, 2, 4096, 1, 1 << 26, 4, 512)

PAIRS = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3), st.integers(0, 1))
# What happens in the kernel, in turn: packets of pairs are counted, or pairs are forgotten.
LIVES = st.lists(
    st.one_of(
        st.tuples(st.just("count"), PAIRS, st.integers(1, 50)),
        st.tuples(st.just("forget"), PAIRS, st.just(0)),
        st.tuples(st.just("look"), st.just((0, 0, 0, 0)), st.just(0)),
    ),
    max_size=60,
)


def counted(packets: int, source: int = WEB, destination: int = DB, reason: int = 2, observed: int = 0) -> Counted:
    return Counted(source, destination, reason, observed, packets, packets * 60, packets // 2)


def packets(totals: Totals) -> dict[tuple[str, ...], int]:
    return {key: total[0] for key, total in totals.named(NAMES).items()}


def test_a_total_goes_on_where_the_map_forgot_the_pair():
    totals = Totals()
    for seen in ([counted(10)], [counted(15)], [], [counted(4)], [counted(2)]):
        totals.see(seen)
    assert totals.named(NAMES) == {("web", "db", "RULE", "false"): (21, 21 * 60, 5 + 2 + 2 + 1)}


@given(LIVES, st.integers(1, 8))
def test_totals_never_go_back_and_never_say_too_much(life, most):
    totals = Totals(most)
    kernel: dict[tuple[int, int, int, int], int] = {}
    true, last = 0, 0
    seen: dict[tuple[str, ...], int] = {}
    for what, pair, count in [*life, ("look", (0, 0, 0, 0), 0)]:
        if what == "count":
            kernel[pair] = kernel.get(pair, 0) + count
            true += count
        elif what == "forget":
            kernel.pop(pair, None)
        else:
            totals.see([counted(found, *at) for at, found in kernel.items()])
            now = packets(totals)
            assert all(now[key] >= value for key, value in seen.items())
            assert last <= sum(now.values()) <= true
            assert len([key for key in now if OTHERS not in key]) <= most
            seen, last = now, sum(now.values())
    if not any(what == "forget" for what, _pair, _count in life):
        assert last == true


def test_pairs_beyond_the_most_are_told_together():
    totals = Totals(1)
    totals.see([counted(1), counted(2, 300), counted(3, 301)])
    totals.see([counted(1), counted(5, 300), counted(3, 301)])
    assert packets(totals) == {("web", "db", "RULE", "false"): 1, (OTHERS, OTHERS, "RULE", "false"): 8}


def test_the_text_is_what_prometheus_reads():
    totals = Totals()
    totals.see([counted(10), counted(3, 0, 300, 4, 1)])
    found = parse(text(totals.named(NAMES), STANDING))
    labels = (("destination", "db"), ("observed", "false"), ("reason", "RULE"), ("source", "web"))
    assert found["weft_policy_denied_packets_total"] == (
        "counter",
        {
            labels: 10,
            (("destination", "identity 300"), ("observed", "true"), ("reason", "SOURCE"), ("source", "unknown")): 3,
        },
    )
    assert found["weft_policy_denied_bytes_total"][1][labels] == 600
    assert found["weft_policy_unrecorded_packets_total"][1][labels] == 5
    assert found["weft_policy_info"] == ("gauge", {(("digest", "ab" * 32), ("host", "hub")): 1})
    said = {name: samples[()] for name, (_kind, samples) in found.items() if () in samples}
    assert said == {
        "weft_policy_generation_age_seconds": 12.5,
        "weft_policy_generation": 7,
        "weft_policy_as_planned": 1,
        "weft_audit_records_total": 100,
        "weft_audit_lines_total": 90,
        "weft_audit_held_back_lines_total": 10,
        "weft_audit_spool_dropped_lines_total": 3,
        "weft_audit_spool_expired_lines_total": 2,
        "weft_audit_spool_bytes": 4096,
        "weft_audit_spool_limit_bytes": 1 << 26,
        "weft_audit_spool_segments": 1,
        "weft_audit_unsent_dropped_lines_total": 4,
        "weft_audit_unsent_bytes": 512,
    }


def test_where_nothing_is_sent_nothing_is_said_of_that():
    found = parse(text({}, STANDING._replace(unsent=None, waiting=0)))
    assert set(parse(text({}, STANDING))) - set(found) == {
        "weft_audit_unsent_dropped_lines_total",
        "weft_audit_unsent_bytes",
    }


def test_without_a_policy_that_judges_there_is_no_age_and_no_digest():
    found = parse(text({}, STANDING._replace(digest=None, planned=None, since=None)))
    assert found["weft_policy_as_planned"][1] == {(): 0}
    assert {"weft_policy_info", "weft_policy_generation_age_seconds"} & set(found) == set()


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_comes_back_as_it_was(source, destination):
    found = parse(text({(source, destination, "RULE", "false"): (1, 2, 3)}, STANDING))
    (labels,) = found["weft_policy_denied_packets_total"][1]
    assert (dict(labels)["source"], dict(labels)["destination"]) == (source, destination)
