# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a module returns, and how an error becomes a failed task."""

from __future__ import annotations

import json

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import Outcome, converge
from ansible_collections.weft.overlay.plugins.module_utils.edge.result import counts, result_of, run
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError, Fault, KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.route import Route
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import File
from tests.unit.diff.worlds import OVERLAYS, PROGRAMS

HUB = hub_plan(OVERLAYS[0], "hub", "192.0.2.250", (Spoke("runner1", 1, "192.0.2.1", 1450),))
ROUTE = Route("10.1.0.0/16", "10.1.0.1", "vxkr1", "10.0.0.1")


class Module:
    """As much of AnsibleModule as an exit is."""

    class ExitError(Exception):
        pass

    def exit_json(self, **result):
        raise self.ExitError({"failed": False, **result})

    def fail_json(self, **result):
        raise self.ExitError({"failed": True, **result})


def exit_of(call):
    with pytest.raises(Module.ExitError) as caught:
        run(Module(), call)
    return caught.value.args[0]


def raising(error):
    def call():
        raise error

    return call


def test_a_result_is_passed_on():
    assert exit_of(lambda: {"changed": False}) == {"failed": False, "changed": False}


def test_an_error_is_told_in_its_own_words():
    assert exit_of(raising(KernelError("link vxkr1", "busy"))) == {"failed": True, "msg": "link vxkr1: busy"}


def test_faults_are_also_data():
    error = ConflictError((Fault("hub", "link vxkr1", "is foreign"), Fault("hub", "", "is odd")))
    assert exit_of(raising(error)) == {
        "failed": True,
        "msg": "hub: link vxkr1: is foreign\nhub: is odd",
        "faults": [
            {"place": "hub", "path": "link vxkr1", "message": "is foreign"},
            {"place": "hub", "path": "", "message": "is odd"},
        ],
    }


def test_a_fault_of_our_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(Module(), raising(ZeroDivisionError()))


def test_nothing_changed_has_no_diff():
    assert result_of(Outcome((), ("a note",))) == {"changed": False, "changes": [], "counts": {}, "notes": ["a note"]}


def test_the_two_sides_of_a_change():
    before = ROUTE._replace(via="10.1.0.9")
    removed = File("/x", "one\ntwo\n", 0o600)
    result = result_of(
        Outcome(
            (
                Change(CHANGE, kinds.ROUTE, ROUTE.key(), before, ROUTE, "via 10.1.0.9 → 10.1.0.1"),
                Change(REMOVE, kinds.FILE, removed.key(), removed, None),
            ),
            (),
        )
    )
    assert result["changes"] == ["~ route 10.1.0.0/16 (via 10.1.0.9 → 10.1.0.1)", "- file /x"]
    assert result["counts"] == {"route": {"change": 1}, "file": {"remove": 1}}
    attributes = "link=vxkr1 source=10.0.0.1 table=254 type=unicast mtu=0 locked=True beside=()"
    assert result["diff"]["before"] == (
        f"route 10.1.0.0/16: destination=10.1.0.0/16 via=10.1.0.9 {attributes}\nfile /x (mode 0600):\n  one\n  two\n"
    )
    assert result["diff"]["after"] == f"route 10.1.0.0/16: destination=10.1.0.0/16 via=10.1.0.1 {attributes}\n"


@pytest.mark.parametrize("firewall", ["firewalld", "iptables-nft", "none"])
def test_every_kind_of_object_has_a_text_and_is_json(firewall):
    foreign = Foreign(zones=("trusted",))
    outcome = converge(HUB, MemoryKernel(Observed(Capabilities(True, firewall), {}, foreign)), PROGRAMS[0])
    result = result_of(outcome)
    assert json.loads(json.dumps(result)) == result
    assert result["diff"]["before"] == ""
    told = {line.split(":")[0].rsplit(" (", 1)[0] for line in result["diff"]["after"].splitlines() if line[0] != " "}
    assert told >= {f"{change.kind} {change.key}" for change in outcome.changes if change.kind != kinds.PROGRAM}
    assert f"program: {PROGRAMS[0].digest}\n" in result["diff"]["after"]
    assert "# a" not in result["diff"]["after"], "the program's text is no news to anybody"


def test_a_link_among_files_shows_where_it_leads():
    link = File("/etc/x", "", target="../y")
    diff = result_of(Outcome((Change(REMOVE, kinds.FILE, "/etc/x", link, None),), ()))["diff"]
    assert diff["before"].endswith("\n  -> ../y\n")


def test_counts_hold_only_what_happened():
    assert counts(()) == {}
