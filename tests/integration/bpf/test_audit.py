# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the audit tells of packets that real programs denied."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.audit import Audit, Places
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.metrics import METRICS_FILE
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.shown import main as denials
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import pack
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.slots import Slots, Stamped
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.reader import Sent, mark_of, write_sent
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.segments import segments_in
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import lines
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import digest_of
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    HOST,
    WORLD,
    Identity,
    NetworkName,
    PolicyMaps,
    RuleName,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Audit as Sending
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import Position
from tests.integration.bpf.hosts import until
from tests.integration.bpf.place import (
    ADDRESSES,
    DB,
    FAR,
    FIRST,
    HOLE,
    LAN,
    LINKS,
    SECOND,
    WEB,
    echo,
    maps,
    packet,
    tcp,
)
from tests.integration.bpf.site import Site
from tests.integration.bpf.stage import Stage, ip
from tests.unit.edge.prometheus import parse

ROOT = Path(__file__).resolve().parents[3]
_ENDS = {WORLD: "world", HOST: "host", WEB: "web", DB: "db", LAN: "lan", FAR: "far", HOLE: "hole"}
# In the order of the rules of place.py.
_RULES = ("asks", "looks-up", "calls", "echoes", "never", "watched", "loud")


def named(prefix: str = "") -> PolicyMaps:
    """The policy of place.py, with names. prefix: of its policies."""
    networks = {FAR: SECOND, WORLD: 0, HOST: 0}
    return maps()._replace(
        networks=(NetworkName(FIRST, "red"), NetworkName(SECOND, "blue")),
        identities=tuple(Identity(number, name, networks.get(number, FIRST)) for number, name in _ENDS.items()),
        rules=tuple(RuleName(prefix + name, "ingress", 2) for name in _RULES),
    )


class Room:
    """An audit of what a stage's programs say."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.places = Places(str(folder / "plan.json"), stage.folder, str(folder / "audit"), str(folder / "metrics"))
        self._stage = stage

    def store(self, policy: PolicyMaps, to: Sending | None = None) -> None:
        draft = Path(self.places.plan + ".new")
        draft.write_text(to_json(HostPlan("hub1", HUB, policy=policy, audit=to)), encoding="utf-8")
        draft.replace(self.places.plan)

    def judge(self, policy: PolicyMaps) -> None:
        """As a run loads it: under the digest of its text."""
        with Slots(self._stage.folder) as slots:
            slots.switch(slots.write(Stamped(bytes.fromhex(digest_of(policy)), pack(policy))).slot)

    def spooled(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in lines(self.places.spool)]

    def metrics(self) -> dict[str, tuple[str, dict[Any, float]]]:
        assert self.places.metrics is not None
        return parse((Path(self.places.metrics) / METRICS_FILE).read_text(encoding="utf-8"))


@pytest.fixture
def room(stage: Stage, tmp_path: Path) -> Room:
    found = Room(stage, tmp_path)
    found.judge(named())
    found.store(named())
    stage.records()
    stage.forget()
    return found


@pytest.fixture
def audit(room: Room) -> Iterator[Audit]:
    found = Audit(room.places)
    found.look()
    yield found
    found.end()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_denied_packet_is_one_line_with_its_names_and_its_rule(room, audit, stage, capsys, family):
    denied = packet("web", "db", family, tcp(22))
    before = datetime.now(timezone.utc)
    stage.show(denied, "web")
    audit.look()
    (line,) = said(capsys)
    moment = datetime.strptime(line.pop("time"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert abs((moment - before).total_seconds()) < 5
    at = family == "ipv6"
    assert line == {
        "host": "hub1",
        "reason": "RULE",
        "source": "web",
        "destination": "db",
        "interface": "web",
        "direction": "ingress",
        "length": len(bytes(denied)),
        "observed": False,
        "network": "red",
        "source_address": ADDRESSES["web"][at],
        "source_port": 40000,
        "destination_address": ADDRESSES["db"][at],
        "destination_port": 22,
        "protocol": "TCP",
        "rule": "policies.never.ingress[2]",
    }
    (kept,) = room.spooled()
    kept.pop("time")
    assert kept == line


def test_what_is_observed_leaves_by_an_interface_or_is_nobodys_is_told_as_such(audit, stage, capsys):
    stage.show(packet("web", "db", "ipv4", tcp(23)), "web")
    stage.show(packet("host", "db", "ipv4", echo("ipv4")), "db", "egress")
    stage.show(packet("db", "host", "ipv4", tcp(1)), "web")
    audit.look()
    watched, leaving, lie = said(capsys)
    assert (watched["observed"], watched["rule"], watched["reason"]) == (True, "policies.watched.ingress[2]", "RULE")
    assert (leaving["direction"], leaving["source"], leaving["type"], leaving["protocol"]) == (
        *("egress", "world"),
        *(8, "ICMP"),
    )
    assert "destination_port" not in leaving
    assert (lie["reason"], lie["source"]) == ("SOURCE", "unknown")


def test_a_flood_of_one_peer_does_not_hide_anothers_denial(room, audit, stage, capsys):
    frame = packet("web", "db", "ipv4", tcp(22))
    for _turn in range(300):
        # As if the flood had gone on for a while: the programs' own limit lets it through again and again.
        stage.forget_shares()
        stage.repeat(frame, "web", 100)
    stage.forget_shares()
    stage.show(packet("lan", "db", "ipv4", tcp(22), bare=True), "tun")
    audit.look()
    lines = said(capsys)
    assert [line["source"] for line in lines].count("lan") == 1
    assert [line["source"] for line in lines].count("web") == 60
    assert sum(line.get("held_back", 0) for line in lines) == 0
    stage.forget_shares()
    audit.end()
    found = room.spooled()
    assert len(found) == 61
    capsys.readouterr()


def test_metrics_count_all_of_a_flood(room, stage, capsys):
    frame = packet("web", "db", "ipv4", tcp(22))
    stage.repeat(frame, "web", 5000)
    stage.repeat(packet("web", "db", "ipv4", tcp(23)), "web", 10)
    audit = Audit(room.places)
    audit.look()
    found = room.metrics()
    denied = (("destination", "db"), ("observed", "false"), ("reason", "RULE"), ("source", "web"))
    observed = (("destination", "db"), ("observed", "true"), ("reason", "RULE"), ("source", "web"))
    assert found["weft_policy_denied_packets_total"] == ("counter", {denied: 5000, observed: 10})
    assert found["weft_policy_denied_bytes_total"][1][denied] == 5000 * len(bytes(frame))
    recorded = len(said(capsys))
    assert found["weft_policy_unrecorded_packets_total"][1][denied] >= 5010 - recorded - 10
    assert found["weft_policy_info"][1] == {(("digest", digest_of(named())), ("host", "hub1")): 1}
    assert found["weft_policy_as_planned"][1] == {(): 1}
    assert found["weft_audit_lines_total"][1] == {(): recorded}
    assert found["weft_audit_spool_bytes"][1][()] > recorded * 200
    assert room.places.metrics is not None
    path = Path(room.places.metrics) / METRICS_FILE
    assert path.stat().st_mode & 0o777 == 0o644
    audit.end()
    assert not path.exists()


def test_totals_go_on_where_the_kernel_forgets(room, stage):
    audit = Audit(room.places)
    for _turn in range(3):
        stage.forget()
        stage.repeat(packet("web", "db", "ipv4", tcp(22)), "web", 7)
        audit._metrics_due = 0.0
        audit.look()
    (total,) = room.metrics()["weft_policy_denied_packets_total"][1].values()
    # Seven and seven look like nothing new in between: that is what the map cannot tell.
    assert total == 7
    stage.forget()
    stage.repeat(packet("web", "db", "ipv4", tcp(22)), "web", 5)
    audit._metrics_due = 0.0
    audit.look()
    (total,) = room.metrics()["weft_policy_denied_packets_total"][1].values()
    assert total == 12
    audit.end()


def test_a_record_is_named_by_the_policy_that_judged_it(room, audit, stage, capsys):
    """The kernel switches before the run stores its plan; records of both generations are read afterwards."""
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit.look()
    room.judge(named("new-"))
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit.look()
    assert [line["rule"] for line in said(capsys)] == ["policies.never.ingress[2]"], "told without its plan"
    room.store(named("new-"))
    audit.look()
    assert [line["rule"] for line in said(capsys)] == ["policies.new-never.ingress[2]"]


def test_a_generation_whose_plan_never_came_is_told_by_number(room, audit, stage, capsys):
    room.judge(named("lost-"))
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit.look()
    audit.look(last=True)
    (line,) = said(capsys)
    assert (line["source"], line["rule"]) == ("web", "rule 5")


def test_programs_that_come_later_and_are_replaced_are_followed(bpffs, tmp_path_factory, capsys):
    folder, home = f"{bpffs}/weft", tmp_path_factory.mktemp("audit")
    places = Places(str(home / "plan.json"), folder, str(home / "audit"), str(home / "metrics"))
    audit = Audit(places)
    audit.look()
    assert audit.fileno() is None
    for link in LINKS:
        ip(f"link add name {link} type bridge")
    for _turn in range(2):
        stage = Stage(folder)
        stage.devices = {name: socket.if_nametoindex(name) for name in LINKS}
        stage.enforce(named())
        room = Room(stage, home)
        room.judge(named())
        room.store(named())
        audit.look()
        assert audit.fileno() is not None
        stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
        audit.look()
        assert [line["source"] for line in said(capsys)] == ["web"]
        stage.close()
        # What is pinned nowhere is gone: its readers go on reading nothing.
        shutil.rmtree(folder)
    audit.look()
    assert audit.fileno() is None
    audit.end()


def test_a_spool_that_somebody_removed_is_made_anew_and_what_it_did_not_take_is_counted(room, audit, stage, capsys):
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit.look()
    shutil.rmtree(room.places.spool)
    Path(room.places.spool).write_text("in the way", encoding="utf-8")
    for _turn in range(3):
        stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
        audit.look()
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err.count("Not a directory")) == (4, 1)
    Path(room.places.spool).unlink()
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit._metrics_due = 0.0
    audit.look()
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (1, "weft audit: spool: works again\n")
    assert len(room.spooled()) == 1
    assert room.metrics()["weft_audit_spool_dropped_lines_total"][1] == {(): 3}


SERVICE = """
import sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([sys.argv[1] + "/.collections"])
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials import audit
audit.announce = lambda unit, digest: print(f"ready {unit}", file=sys.stderr, flush=True)
sys.exit(audit.main(["audit"], audit.Places(*sys.argv[2:])))
"""


def test_the_service_tells_at_once_and_tells_the_rest_when_it_is_stopped(room, stage, capsys):
    command = [sys.executable, "-c", SERVICE, str(ROOT), *(str(place) for place in room.places)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as service:
        try:
            assert service.stderr is not None
            assert service.stderr.readline() == "ready weft-audit.service\n"
            stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
            until(room.spooled, "no line in the spool")
            # Of a generation without a plan: it waits until the end.
            room.judge(named("lost-"))
            stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
            time.sleep(0.5)
            service.send_signal(signal.SIGTERM)
            out, err = service.communicate(timeout=10)
        finally:
            service.kill()
    assert (service.returncode, err) == (0, "")
    assert [json.loads(line)["rule"] for line in out.splitlines()] == ["policies.never.ingress[2]", "rule 5"]
    assert len(room.spooled()) == 2
    assert denials(["denials", "--source", "web", "--since", "10m"], room.places.spool) == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 3
    assert "web (10.20.0.2)  db (10.20.0.3)  TCP 22" in table[1]
    assert "policies.never.ingress[2]" in table[1]


def test_a_real_packet_over_a_bridge_is_told(site: Site, tmp_path_factory, capsys):
    room = Room(site.stage, tmp_path_factory.mktemp("audit"))
    room.judge(named()._replace(attachments=()))
    room.store(named())
    site.police()
    audit = Audit(room.places)
    audit.look()
    assert not site.web.connect("ipv4", "db", 22, 0.3)
    audit.look()
    lines = [line for line in said(capsys) if line.get("destination_port") == 22]
    assert lines
    assert {(line["source"], line["destination"], line["rule"], line["interface"]) for line in lines} == {
        ("web", "db", "policies.never.ingress[2]", "web")
    }
    audit.end()


def test_what_is_still_to_be_sent_is_told_where_denials_are_sent(room, audit, stage):
    stage.show(packet("web", "db", "ipv4", tcp(22)), "web")
    audit.look(last=True)
    assert not [name for name in room.metrics() if "unsent" in name]
    room.store(named(), Sending(("192.0.2.1",), 5515, "PEM"))
    audit.look(last=True)
    (segment,) = segments_in(room.places.spool)
    assert room.metrics()["weft_audit_unsent_bytes"][1] == {(): segment.octets}
    assert room.metrics()["weft_audit_unsent_dropped_lines_total"][1] == {(): 0}
    write_sent(room.places.spool, Sent(mark_of(room.places.spool), Position(*segment)))
    audit.look(last=True)
    assert room.metrics()["weft_audit_unsent_bytes"][1] == {(): 0}
