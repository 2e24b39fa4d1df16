# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What `weft status` says: the same as text, as JSON and as metrics, with the exit code of what it found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.converge.status import Counters, status_of
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.edge.status import command as door
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.data import from_data, to_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.metrics import metrics
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.text import lines, size, span, table
from ansible_collections.weft.overlay.plugins.module_utils.kernel import journal, pending
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError, PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.status import (
    ABSENT,
    FRESH,
    NEVER,
    NO_PLAN,
    STALE,
    Carried,
    Denied,
    Difference,
    Drift,
    Ending,
    HostStatus,
    PeerStatus,
    PendingStatus,
    PlanStamp,
    PolicedStatus,
    RolledBackStatus,
    ServiceStatus,
    TunnelStatus,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import (
    APPLIED,
    APPLYING,
    CONFIRMED,
    ROLLED_BACK,
    Author,
    Entry,
    Pending,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device, Peer
from tests.unit.diff.worlds import KERNEL_RULES, OBJECTS, OVERLAYS, PROGRAMS, with_policy
from tests.unit.edge.prometheus import parse

NOW = 1_800_000_000
DAY = 86400
KEYS = [letter * 43 + "=" for letter in "abcdefghk"]

WHOLE = HostStatus(
    "hub1",
    "hub",
    NOW,
    PlanStamp("d" * 64, NOW - 7200),
    Drift(
        (Difference("link", "vxkr1", "missing"), Difference("link", "vxkr2", "differs", "mtu 1400, planned 1450")),
        (("link vxkr1", "exists and was not made by weft"),),
        ("kohaku-host is an empty bridge",),
    ),
    "192.0.2.1",
    (ServiceStatus("weft-watch.service", runs=True), ServiceStatus("weft-audit.service", runs=False)),
    (PolicedStatus("vxkr1", attached=False), PolicedStatus("vxkr2", attached=True)),
    (
        PeerStatus("wg0", "phone", "aaaaaaaa…", "198.51.100.7:4711", NOW - 42, FRESH, True, 1024, 5 << 20),
        PeerStatus("wg0", "laptop", "bbbbbbbb…", "", 0, NEVER, False),
        PeerStatus("wg0", "tablet", "cccccccc…", "198.51.100.8:4711", NOW - 10800, STALE, True, 1, 2),
        PeerStatus("wg0", "gone", "dddddddd…", "", 0, ABSENT, True),
    ),
    (TunnelStatus("vxkr2", "runner2", "192.0.2.12", 102, 1400, up=False, carried=Carried(1, 2, 3, 4, 5)),),
    (
        Ending("client", "phone", "wg0", NOW + 3 * DAY),
        Ending("client", "old", "wg0", NOW - DAY * 9),
        Ending("key", "laptop", "wg0", None),
    ),
    (Denied("NO_RULE", False, 12, 720), Denied("RULE", True, 1, 60)),
    PendingStatus(12, "anna@ops", True, NOW - 19, NOW + 41),
    RolledBackStatus(11, "bert@ops", NOW - 300, "nobody confirmed it in 60 s"),
)


WAITS = "since 2027-01-15 07:59:41 UTC, rolled back at 2027-01-15 08:00:41 UTC, in 41 s"


def test_the_text_says_what_is_wrong_first():
    assert lines(WHOLE) == [
        "hub1 (hub): differs from its plan",
        "  link vxkr1: missing",
        "  link vxkr2: differs (mtu 1400, planned 1450)",
        "  in the way: link vxkr1: exists and was not made by weft",
        "  note: kohaku-host is an empty bridge",
        f"  change 12 by anna@ops waits for its confirmation: {WAITS}",
        "  change 11 by bert@ops was rolled back 5 min ago: nobody confirmed it in 60 s",
        "plan dddddddddddd, stored 2 h ago",
        "services: weft-watch.service, weft-audit.service DOES NOT RUN",
        "policed: vxkr1 OPEN, vxkr2",
        "client phone on wg0: expires in 3 d",
        "client old on wg0: expired 9 d ago",
        "key of laptop on wg0: a new one waits for its first handshake",
        "denied: 12 NO_RULE, 1 RULE (observed)",
        "tunnel      to       underlay    VNI  MTU   received  sent  lost",
        "vxkr2 DOWN  runner2  192.0.2.12  102  1400  1 B       2 B   5",
        "WireGuard  peer    key        endpoint           handshake       received  sent",
        "wg0        phone   aaaaaaaa…  198.51.100.7:4711  42 s ago        1.0 KiB   5.0 MiB",
        "wg0        laptop  bbbbbbbb…                     never           0 B       0 B",
        "wg0        tablet  cccccccc…  198.51.100.8:4711  stale, 3 h ago  1 B       2 B",
        "wg0        gone    dddddddd…                     MISSING         0 B       0 B",
    ]


@pytest.mark.fault("F56")
def test_nothing_that_a_host_says_is_obeyed_by_the_terminal():
    told = lines(WHOLE._replace(host="hub\x1b[2J\r\n\u202eevil"))
    assert told[0] == "hub?[2J???evil (hub): differs from its plan"


def test_columns_are_as_wide_as_what_is_seen():
    assert list(table(("a", "b"), [("漢字", "x"), ("e\u0301", "y")])) == ["a     b", "漢字  x", "e\u0301     y"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (172799, "47 h"), (172800, "2 d")],
)
def test_a_span_has_one_unit(seconds, said):
    assert span(seconds) == said


@pytest.mark.parametrize(("octets", "said"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB")])
def test_a_size_has_one_unit(octets, said):
    assert size(octets) == said


def test_the_json_is_versioned_and_comes_back_as_it_was():
    data = json.loads(json.dumps(to_data(WHOLE)))
    assert data["version"] == 1
    assert data["state"] == "drift"
    assert data["differences"][1] == {
        "kind": "link",
        "name": "vxkr2",
        "state": "differs",
        "detail": "mtu 1400, planned 1450",
    }
    assert from_data(data) == WHOLE
    assert from_data(to_data(WHOLE._replace(plan=None, denied=None))).state == NO_PLAN
    without = WHOLE._replace(pending=None, rolled_back=None)
    assert from_data(to_data(without)) == without
    older = {name: value for name, value in data.items() if name not in {"pending", "rolled_back"}}
    assert from_data(older) == without


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("now",), None),
        (("peers",), [{"link": "wg0"}]),
        (("peers", 0, "handshake"), "soon"),
        (("peers", 0, "kept"), 1),
        (("tunnels", 0, "vni"), True),
        (("tunnels", 0, "carried"), []),
        (("differences", 0, "name"), ["x"]),
        (("plan",), []),
        (("services",), None),
        (("pending", "since"), "noon"),
        (("pending",), 3),
        (("rolled_back", "why"), None),
    ],
)
def test_what_is_no_status_is_refused(path, value):
    data = json.loads(json.dumps(to_data(WHOLE)))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(PlanError, match="the status that the host told of itself cannot be read"):
        from_data(data)


def test_what_a_newer_release_says_besides_is_left_out():
    data = to_data(WHOLE)
    data["weather"] = {"since": 3}
    data["peers"][0]["mood"] = "good"
    assert from_data(data) == WHOLE


def test_metrics_are_what_prometheus_reads():
    found = parse(metrics(WHOLE))
    assert found["weft_in_sync"] == ("gauge", {(): 0})
    assert found["weft_drift_objects"][1] == {
        (("kind", "link"), ("state", "missing")): 1,
        (("kind", "link"), ("state", "differs")): 1,
    }
    assert found["weft_change_pending"][1] == {(): 1}
    ends = found["weft_change_pending_ends_timestamp_seconds"][1]
    assert ends == {(("by", "anna@ops"), ("change", "12")): NOW + 41}
    assert found["weft_last_change_rolled_back"][1] == {(): 1}
    assert found["weft_service_up"][1][("unit", "weft-audit.service"),] == 0
    assert found["weft_policed_interface_attached"][1][("interface", "vxkr2"),] == 1
    phone = (("key", "aaaaaaaa…"), ("link", "wg0"), ("peer", "phone"))
    assert found["weft_peer_handshake_timestamp_seconds"][1][phone] == NOW - 42
    assert found["weft_peer_fresh"][1][phone] == 1
    assert sum(found["weft_peer_fresh"][1].values()) == 1
    assert found["weft_tunnel_lost_packets_total"][1] == {(("link", "vxkr2"), ("to", "runner2")): 5}
    assert found["weft_client_expires_timestamp_seconds"][1][("client", "phone"), ("link", "wg0")] == NOW + 3 * DAY
    assert found["weft_denied_packets_total"][1][("observed", "false"), ("reason", "NO_RULE")] == 12


@given(st.text())
def test_metrics_can_be_read_whatever_things_are_called(name):
    peers = (WHOLE.peers[0]._replace(name=name), WHOLE.peers[0]._replace(link=name))
    assert len(parse(metrics(WHOLE._replace(host=name, peers=peers)))["weft_peer_fresh"][1]) >= 1


def hub():
    spokes = (Spoke("runner1", 1, "192.0.2.1", 1450),)
    plan = with_policy(hub_plan(OVERLAYS[0], "hub", "192.0.2.250", spokes), 1)
    wg0 = plan.links[-1]._replace(
        name="wg0", kind="wireguard", mac="", vni=None, port=None, local=None, remote=None, mtu=1420
    )
    peers = (
        Peer("wg0", KEYS[1], "alice", ("10.8.0.2/32",), 25, successor=KEYS[2]),
        Peer("wg0", KEYS[3], "bob", ("10.8.0.3/32",), expires=NOW + DAY),
        Peer("wg0", KEYS[4], "carol", ("10.8.0.4/32",), expires=NOW - DAY),
        Peer("wg0", KEYS[5], "dave", ("10.8.0.5/32",), expires=NOW + 300 * DAY),
    )
    return plan._replace(links=(*plan.links, wg0), devices=(Device("wg0", KEYS[0], 51820),), peers=peers)


def standing(plan):
    """A host as planned."""
    able = Capabilities(True, "firewalld", docker=True, wireguard=True)
    kernel = MemoryKernel(Observed(able, {}, Foreign(zones=("trusted",), rules=KERNEL_RULES), NOW))
    converge(plan, kernel, PROGRAMS[0], OBJECTS[0])
    return kernel


def test_a_status_has_who_is_there_who_should_be_and_what_ends():
    plan = hub()
    seen = standing(plan).observe()
    peers = seen.state[kinds.PEER]
    peers[f"wg0 {KEYS[1]}"] = peers[f"wg0 {KEYS[1]}"]._replace(handshake=NOW - 180, endpoint="198.51.100.7:1")
    del peers[f"wg0 {KEYS[3]}"]
    del seen.state[kinds.SERVICE]["weft-watch.service"]
    counters = Counters({"vxkr1": Carried(7, 8)}, {("wg0", KEYS[1]): (5, 6)})
    status = status_of(plan, PlanStamp("d", NOW), seen, Drift(), counters)
    assert [(one.name, one.key, one.state, one.kept, one.received) for one in status.peers] == [
        ("alice", "bbbbbbbb…", FRESH, True, 5),
        ("alice", "cccccccc…", NEVER, True, 0),
        ("dave", "ffffffff…", NEVER, False, 0),
        ("bob", "dddddddd…", ABSENT, False, 0),
    ]
    assert [(one.what, one.name, one.expires) for one in status.endings] == [
        ("client", "bob", NOW + DAY),
        ("client", "carol", NOW - DAY),
        ("key", "alice", None),
    ]
    assert [(one.unit, one.runs) for one in status.services] == [
        ("weft-watch.service", False),
        ("weft-audit.service", True),
    ]
    assert status.policed == (PolicedStatus("vxkr1", attached=True),)
    assert status.tunnels == (TunnelStatus("vxkr1", "runner1", "192.0.2.1", 101, 1450, True, Carried(7, 8)),)


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A host with a plan on its disk: (path of the plan, its kernel)."""
    plan = hub()._replace(policy=None, networks=())
    path = tmp_path / "plan.json"
    path.write_text(to_json(plan), encoding="utf-8")
    kernel = standing(plan)
    monkeypatch.setattr(door, "HostKernel", lambda **_options: kernel)
    monkeypatch.setattr(door.traffic, "by_peer", lambda _links: {})
    monkeypatch.setattr(door, "BPF_FOLDER", str(tmp_path / "none"))
    return str(path), kernel


def spoil(kernel, kind, key):
    kernel._state[kind].pop(key)


def test_the_exit_code_says_whether_the_host_is_in_sync(stored, capsys):
    path, kernel = stored
    assert door.main(["status"], path) == 0
    assert capsys.readouterr().out.startswith("hub (hub): in sync with its plan\n")
    spoil(kernel, kinds.LINK, "vxkr1")
    assert door.main(["status"], path) == 1
    assert "  link vxkr1: missing\n" in capsys.readouterr().out
    assert door.main(["status", "--json"], path) == 1
    assert json.loads(capsys.readouterr().out)["differences"][0]["name"] == "vxkr1"
    assert door.main(["status", "--metrics"], path) == 1
    assert parse(capsys.readouterr().out)["weft_in_sync"][1] == {(): 0}


def waiting(**fields):
    now, boot = pending.now(), pending.boot()
    given = {"boot": boot, "until": now + 60, "seconds": 60, "stage": APPLIED, **fields}
    pending.write(Pending(2, Author("anna@ops"), plan="", before=None, program="", **given))


def told(path, capsys):
    door.main(["status", "--json"], path)
    data = json.loads(capsys.readouterr().out)
    return data["now"], data["pending"], data["rolled_back"]


def test_who_has_changed_the_host_and_has_not_come_back_is_told_with_the_end_of_it(stored, capsys):
    path, _kernel = stored
    assert told(path, capsys)[1:] == (None, None)
    waiting(until=pending.now() + 41)
    now, change, _gone = told(path, capsys)
    assert change.pop("since") in range(now - 20, now - 17)
    assert change.pop("ends") in range(now + 40, now + 43)
    assert change == {"number": 2, "by": "anna@ops", "applied": True}
    assert door.main(["status"], path) == 0
    assert "  change 2 by anna@ops waits for its confirmation: since " in capsys.readouterr().out


def test_what_was_ended_in_its_middle_or_by_a_boot_is_told_as_such(stored, capsys):
    path, _kernel = stored
    waiting(stage=APPLYING, boot="the one before")
    now, change, _gone = told(path, capsys)
    assert change == {"number": 2, "by": "anna@ops", "applied": False, "since": None, "ends": now}
    door.main(["status"], path)
    said = "  change 2 by anna@ops is under way, or was ended in its middle: since before this boot, rolled back at "
    assert said in capsys.readouterr().out


def test_a_rollback_is_told_until_the_next_change(stored, capsys):
    path, _kernel = stored
    entry = Entry(2, 1_800_000_000, Author("anna@ops"), "", ROLLED_BACK, "nobody confirmed it in 60 s")
    journal.write(entry)
    waiting()
    gone = {"number": 2, "by": "anna@ops", "when": 1_800_000_000, "why": "nobody confirmed it in 60 s"}
    assert told(path, capsys)[1:] == (None, gone)
    journal.write(entry._replace(number=3, result=CONFIRMED, why=""))
    assert told(path, capsys)[1:] == (None, None)


def test_what_is_remembered_and_cannot_be_read_is_a_note(stored, capsys):
    path, _kernel = stored
    waiting()
    with open(pending.PENDING_PATH, "w", encoding="utf-8") as stream:
        stream.write("{")
    assert door.main(["status"], path) == 0
    assert "  note: not told: what is remembered of a change cannot be read" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["sideways"], ["--json", "--metrics"], ["--json", "more"]])
def test_another_call_is_answered_with_the_usage(stored, options, capsys):
    assert door.main(["status", *options], stored[0]) == 2
    assert capsys.readouterr().err.startswith("usage: weft status")


def test_without_a_plan_that_is_said_and_what_is_left_of_ours(stored, capsys):
    assert door.main(["status"], stored[0] + ".none") == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "no plan is stored here"
    assert "  link vxkr1: too much" in told


def test_a_plan_that_cannot_be_read_is_told(capsys, tmp_path):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    assert door.main(["status"], str(tmp_path / "bad.json")) == 1
    assert capsys.readouterr().err.startswith("weft: the plan is not JSON")


def test_a_host_that_cannot_be_looked_at_is_told(stored, capsys, monkeypatch):
    class Blind:
        def observe(self):
            raise KernelError("links", "Operation not permitted")

    monkeypatch.setattr(door, "HostKernel", lambda **_options: Blind())
    assert door.main(["status"], stored[0]) == 1
    assert capsys.readouterr() == ("", "weft: links: Operation not permitted\n")


def test_no_whole_key_and_no_secret_is_told_in_any_form(stored, capsys):
    path, _kernel = stored
    for options in ([], ["--json"], ["--metrics"]):
        door.main(["status", *options], path)
        told = capsys.readouterr().out
        assert "alice" in told
        assert not any(key in told for key in KEYS)
