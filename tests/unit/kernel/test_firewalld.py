# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""firewalld as its files and busctl show it. The daemon itself is met on the lab."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.wanted import desired
from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall import firewalld
from ansible_collections.weft.overlay.plugins.module_utils.kernel.firewall import firewalld_files as files
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import (
    FIREWALLD,
    DirectRule,
    Firewall,
    FirewalldPolicy,
    ZoneInterface,
)

HUB = Firewall("10.0.0.0/8", 4789, (101,), ("198.18.0.11",), "trusted", ("vxkr+", "kohaku-host"))
POLICIES = tuple(value for value in desired(HUB, (), FIREWALLD) if isinstance(value, FirewalldPolicy))
(DIRECT,) = (value for value in desired(HUB, (), FIREWALLD) if isinstance(value, DirectRule))
ENTRY = ZoneInterface("trusted", "vxkr+")

# As firewalld 1.3 writes them.
TRUSTED = '<?xml version="1.0" encoding="utf-8"?>\n<zone target="ACCEPT">\n  <interface name="vxkr+"/>\n</zone>\n'
DIRECT_XML = """<?xml version="1.0" encoding="utf-8"?>
<direct>
  <rule ipv="ipv4" table="filter" chain="FORWARD" priority="0">-s 192.0.2.1 -j ACCEPT</rule>
  <rule ipv="ipv4" table="filter" chain="FORWARD" priority="0">{0}</rule>
</direct>
"""


class Bus:
    """Answers busctl: `answers` by method, and every call is kept in `calls`."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {"getPolicies": ["allow-host-ipv6"], "getZoneByName": "/zone/1"}
        self.refusals: dict[str, str] = {}
        self.calls: list[list[str]] = []

    def __call__(self, subject: str, command: list[str], _text: str = "") -> str:
        call = command[command.index("--") + 3 :] if "--" in command else command
        self.calls.append(call)
        method = call[1]
        if method in self.refusals:
            raise KernelError(subject, self.refusals[method])
        return json.dumps({"data": [self.answers[method]]}) if method in self.answers else ""


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    made = Bus()
    monkeypatch.setattr(firewalld, "run", made)
    monkeypatch.setattr(firewalld, "find", lambda program: "/usr/sbin/" + program)
    return made


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a file below firewalld's folder; the shipped zones are below usr/."""
    monkeypatch.setattr(files, "ETC", str(tmp_path / "etc"))
    monkeypatch.setattr(files, "USR", str(tmp_path / "usr"))

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def quoted(rule: DirectRule) -> str:
    return " ".join(f"'{part}'" if " " in part else part for part in rule.arguments)


def test_what_is_ours_is_known_by_our_own_words(bus: Bus, put: Callable[[str, str], Path]) -> None:
    for policy in POLICIES:
        put(f"etc/policies/{policy.name}.xml", policy.xml)
    put("usr/zones/trusted.xml", TRUSTED.replace("vxkr+", "shipped"))
    put("etc/zones/trusted.xml", TRUSTED)
    put("etc/zones/trusted.xml.old", TRUSTED)
    put("etc/direct.xml", DIRECT_XML.format(quoted(DIRECT)))
    bus.answers["getPolicies"] = ["weft-forward", "weft-overlay"]
    bus.answers["getActiveZones"] = {"trusted": {"type": "a{sv}", "data": {"interfaces": {"type": "as", "data": []}}}}
    bus.answers["getAllRules"] = [["ipv4", "filter", "FORWARD", 0, list(DIRECT.arguments)]]
    seen = firewalld.observe()
    assert sorted(seen.policies) == sorted(POLICIES)
    assert seen.entries == (ENTRY._replace(runtime=False),)
    assert seen.rules == (DIRECT,)
    assert seen.zones == ("trusted",)
    assert seen.faults == ()


def test_nothing_of_ours_costs_one_call(bus: Bus, put: Callable[[str, str], Path]) -> None:
    put("etc/zones/trusted.xml", TRUSTED)
    assert firewalld.observe() == firewalld.Seen(running=True, zones=("trusted",))
    assert len(bus.calls) == 1


def test_an_entry_moved_to_another_zone_is_still_ours(bus: Bus, put: Callable[[str, str], Path]) -> None:
    put("etc/policies/weft-overlay.xml", POLICIES[0].xml)
    bus.answers["getActiveZones"] = {"public": {"interfaces": ["eth0", "vxkr+"]}}
    assert firewalld.observe().entries == (ZoneInterface("public", "vxkr+", permanent=False),)


def test_a_policy_of_our_name_that_we_did_not_write_is_a_fault(bus: Bus, put: Callable[[str, str], Path]) -> None:
    put("etc/policies/weft-overlay.xml", "<policy/>")
    seen = firewalld.observe()
    assert seen.policies == ()
    assert [subject for subject, _message in seen.faults] == ["firewalld policy weft-overlay"]
    assert len(bus.calls) == 1


@pytest.mark.parametrize("reason", ['Name "org.fedoraproject.FirewallD1" does not exist', "Failed to connect to bus"])
def test_a_stopped_firewalld_does_not_filter(bus: Bus, put: Callable[[str, str], Path], reason: str) -> None:
    put("etc/zones/trusted.xml", TRUSTED)
    bus.refusals["getPolicies"] = reason
    assert not firewalld.observe().running


def test_a_firewalld_without_policies_is_an_error_and_not_taken_for_stopped(bus: Bus) -> None:
    bus.refusals["getPolicies"] = "org.freedesktop.DBus.Error.UnknownMethod: Unknown method: getPolicies"
    with pytest.raises(KernelError, match=r"older than 0\.9"):
        firewalld.observe()


def test_policies_are_whole_files_and_one_reload(bus: Bus, put: Callable[[str, str], Path]) -> None:
    old = put("etc/policies/weft-old.xml", "<policy/>")
    firewalld.apply(
        [
            *(Change(ADD, kinds.FIREWALLD_POLICY, policy.name, None, policy) for policy in POLICIES),
            Change(REMOVE, kinds.FIREWALLD_POLICY, "weft-old", POLICIES[0], None),
        ]
    )
    assert {path.name: path.read_text(encoding="utf-8") for path in old.parent.iterdir()} == {
        f"{policy.name}.xml": policy.xml for policy in POLICIES
    }
    assert [call[1] for call in bus.calls] == ["getPolicies", "reload"]


def test_an_entry_is_taken_out_of_any_other_zone_first(bus: Bus, put: Callable[[str, str], Path]) -> None:
    put("etc/zones/public.xml", TRUSTED)
    firewalld.apply([Change(ADD, kinds.ZONE, ENTRY.key(), None, ENTRY)])
    assert [call[1:] for call in bus.calls[1:]] == [
        ["getZoneByName", "s", "public"],
        ["removeInterface", "s", "vxkr+"],
        ["getZoneByName", "s", "trusted"],
        ["addInterface", "s", "vxkr+"],
        ["changeZoneOfInterface", "ss", "trusted", "vxkr+"],
    ]


def test_what_is_already_so_is_no_error_and_what_is_refused_is(bus: Bus, put: Callable[[str, str], Path]) -> None:
    put("etc/zones/trusted.xml", TRUSTED)
    bus.refusals["changeZoneOfInterface"] = "Call failed: ZONE_ALREADY_SET: trusted"
    firewalld.apply([Change(ADD, kinds.ZONE, ENTRY.key(), None, ENTRY)])
    bus.refusals["changeZoneOfInterface"] = "Call failed: INVALID_ZONE: trusted"
    with pytest.raises(KernelError, match="INVALID_ZONE"):
        firewalld.apply([Change(ADD, kinds.ZONE, ENTRY.key(), None, ENTRY)])


def test_a_stopped_firewalld_has_its_files_edited_by_its_own_tool(bus: Bus) -> None:
    bus.refusals["getPolicies"] = "does not exist"
    firewalld.apply([Change(REMOVE, kinds.ZONE, ENTRY.key(), ENTRY, None)])
    assert bus.calls[1:] == [["firewall-offline-cmd", "--zone=trusted", "--remove-interface=vxkr+"]]
