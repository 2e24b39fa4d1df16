# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What ends a run, whole: summaries/<claim>.txt is what the reader sees. WEFT_REGENERATE=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.ending import (
    BEFORE,
    COME,
    DONE,
    FAILED,
    LEFT,
    LIMITED,
    UNCONFIRMED,
    UNREACHED,
    Ending,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.summary import Next, Told, report, table

GOLDEN = Path(__file__).parent / "summaries"
AGAIN = Next("ansible-playbook site.yml -i mine", "ansible-playbook remove_runner.yml -i mine -e target=NAME")
COUNTS = {"hub": {"link": {"add": 2, "remove": 1}, "route": {"change": 10}}, "runner1": {}}
HUB = Ending(DONE, COUNTS["hub"], ("it is a bridge",))
SAME = Ending(DONE, {})
RUNNERS = ["runner1", "runner2", "runner3"]
BUSY = "Docker network kohakuriver-overlay: must be made anew but containers run in it"
ROLLED_BACK = "change 12 of this host cannot be confirmed: it was rolled back, for nobody confirmed it in 60 s"
FAULTS = [f"domain.yaml:{line}: policies.p{line}: is wrong" for line in range(1, 24)]

TOLD = {
    "all_is_well": Told({"hub": HUB, "runner1": SAME}, notes=["an MTU is assumed"], changed=["hub"]),
    "one_host_fails_and_one_is_dead": Told(
        {"hub": HUB, "runner1": Ending(FAILED, reason=BUSY), "runner2": Ending(UNREACHED), "nas1": Ending(UNREACHED)},
        changed=["hub", "runner1"],
        runners=RUNNERS,
    ),
    "a_change_was_rolled_back": Told({"hub": Ending(UNCONFIRMED, reason=ROLLED_BACK), "runner1": SAME}),
    "a_host_failed_before_its_change": Told({"hub": HUB, "runner1": Ending(BEFORE)}),
    "networks_were_not_made": Told({"runner1": Ending(FAILED, {"link": {"add": 1}}, (), "no room")}),
    "limited_with_something_new_for_others": Told(
        {"hub": Ending(LIMITED), "runner1": Ending(LIMITED), "runner3": HUB}, changed=["hub", "runner3"]
    ),
    "the_first_of_several_turns": Told({"hub": HUB, "runner1": Ending(COME)}, changed=["hub", "runner1"]),
    "a_plan_made_anew_after_its_hosts_turn": Told({"hub": HUB._replace(stale=True), "runner1": SAME}, changed=["hub"]),
    "a_living_runner_is_taken_out": Told(
        {"hub": HUB, "runner3": Ending(LEFT, {"link": {"remove": 2}})}, leaving={"runner3": "hosts.yml:12"}
    ),
    "a_dead_runner_is_taken_out": Told(
        {"hub": HUB, "runner3": Ending(UNREACHED)}, runners=RUNNERS, leaving={"runner3": "hosts.yml:12"}
    ),
    "a_runner_is_taken_out_and_the_hub_is_dead": Told(
        {"hub": Ending(UNREACHED), "runner3": Ending(LEFT, {})}, changed=["hub"], leaving={"runner3": "hosts.yml:12"}
    ),
    "nothing_of_weft_was_left": Told({"runner1": Ending(LEFT, {})}),
    "refused": Told({}, refused=FAULTS),
    "refused_in_a_later_turn": Told({"hub": HUB, "runner1": Ending(BEFORE)}, refused=FAULTS[:1]),
    "nobody_was_converged": Told({}),
}


@pytest.mark.parametrize("case", TOLD)
def test_a_run_ends_with_what_was_done_and_what_is_to_be_done(case):
    path, text = GOLDEN / f"{case}.txt", "\n".join(report(TOLD[case], AGAIN)) + "\n"
    if "WEFT_REGENERATE" in os.environ:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_summary_is_left_over():
    assert {path.stem for path in GOLDEN.iterdir()} == set(TOLD)


def test_a_dry_run_says_how_to_make_it_so():
    lines = report(TOLD["all_is_well"], AGAIN._replace(check=True))
    assert lines[-2:] == ["next: nothing was changed yet; to make it so:", f"  {AGAIN.again}"]


def test_a_line_for_each_host_and_kind():
    assert table({**COUNTS, "old": {}}, gone=["old"]) == [
        "host     kind                  added  changed  removed",
        "hub      link                  2               1",
        "hub      route                        10",
        "runner1  as planned",
        "old      nothing of weft left",
    ]


def test_nobody_has_only_a_heading():
    assert table({}) == ["host  kind  added  changed  removed"]
