# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's files: whole or not at all, each host its own, and nothing outside the build folder."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, Entry, Ledger
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import (
    read_intent,
    read_ledger,
    read_plan,
    read_plans,
    write_ledger,
    write_plans,
    write_policy,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import NetworkName, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json as policy_from_json

LEDGER = Ledger({"runner1": Entry(1, "192.0.2.1", 1500)})
HOSTILE = [
    "a/b",
    "a_b",
    "a%2Fb",
    "..",
    ".",
    "../../outside",
    "/etc/passwd",
    "a b",
    "-rf",
    "hüb",
    "a\nb",
    "x.json",
    "A",
    "~",
]


def plans(*hosts):
    return {host: HostPlan(host, HUB) for host in hosts}


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_a_plan_for_each_host_is_read_back(tmp_path):
    write_plans(str(tmp_path), plans("hub", "runner1.example"))
    assert files(tmp_path) == ["plans/hub.json", "plans/runner1.example.json"]
    assert read_plans(str(tmp_path)) == plans("hub", "runner1.example")
    assert read_plan(str(tmp_path), "hub") == HostPlan("hub", HUB)
    assert read_plan(str(tmp_path), "runner2") is None


def test_what_the_domain_is_judged_by_lies_beside_the_plans_as_long_as_there_is_any(tmp_path):
    maps = PolicyMaps(networks=(NetworkName(1, "prod"),))
    write_policy(str(tmp_path), maps)
    assert policy_from_json((tmp_path / "policy.json").read_text(encoding="utf-8")) == maps
    write_policy(str(tmp_path), None)
    assert files(tmp_path) == []


@pytest.mark.fault("F56")
def test_hostile_names_stay_in_the_folder_and_apart_from_each_other(tmp_path):
    build = tmp_path / "build"
    write_plans(str(build), plans(*HOSTILE))
    assert all(path.startswith("build/plans/") for path in files(tmp_path))
    assert len(files(tmp_path)) == len(HOSTILE)
    assert read_plans(str(build)) == plans(*HOSTILE)
    assert all(read_plan(str(build), host).host == host for host in HOSTILE)


@settings(max_examples=60, deadline=None)
@given(hosts=st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=6))
def test_whatever_hosts_are_called_each_has_its_own_plan(tmp_path_factory, hosts):
    folder = tmp_path_factory.mktemp("build")
    write_plans(str(folder / "build"), plans(*hosts))
    assert read_plans(str(folder / "build")) == plans(*hosts)
    assert all(path.startswith("build/plans/") for path in files(folder))


def test_plans_of_hosts_that_left_are_removed_and_other_files_are_not(tmp_path):
    write_plans(str(tmp_path), plans("hub", "runner1"))
    (tmp_path / "plans" / "README").write_text("mine", encoding="utf-8")
    write_plans(str(tmp_path), plans("hub"))
    assert files(tmp_path) == ["plans/README", "plans/hub.json"]


def test_no_plans_at_all_empty_the_folder(tmp_path):
    write_plans(str(tmp_path), {})
    write_plans(str(tmp_path), plans("hub"))
    write_plans(str(tmp_path), {})
    assert files(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_a_plan_that_cannot_be_read_counts_as_absent_and_is_written_anew(tmp_path, content):
    write_plans(str(tmp_path), plans("hub"))
    (tmp_path / "plans" / "hub.json").write_bytes(content)
    assert read_plan(str(tmp_path), "hub") is None
    assert read_plans(str(tmp_path)) == {}
    write_plans(str(tmp_path), plans("hub"))
    assert read_plans(str(tmp_path)) == plans("hub")


def test_what_is_written_already_is_not_written_again(tmp_path):
    path = str(tmp_path / "ledger.json")
    assert write_ledger(path, LEDGER) is True
    before = os.stat(path)
    assert write_ledger(path, LEDGER) is False
    assert (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert write_ledger(path, EMPTY) is True


@pytest.mark.fault("F33")
def test_a_ledger_is_replaced_in_one_step_and_a_failure_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "ledger.json"
    write_ledger(str(path), LEDGER)

    def full(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_ledger(str(path), EMPTY)
    assert read_ledger(str(path)) == LEDGER
    assert files(tmp_path) == ["ledger.json"]


def test_others_may_read_plans_and_ledger(tmp_path):
    previous = os.umask(0o077)
    try:
        write_ledger(str(tmp_path / "ledger.json"), LEDGER)
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "ledger.json").stat().st_mode) == 0o644


def test_without_a_ledger_nobody_is_known(tmp_path):
    assert read_ledger(str(tmp_path / "ledger.json")) == EMPTY


@pytest.mark.fault("F32")
@pytest.mark.parametrize("content", [b"\xff", b"{", b""])
def test_a_damaged_ledger_is_no_empty_ledger(tmp_path, content):
    path = tmp_path / "ledger.json"
    path.write_bytes(content)
    with pytest.raises(IntentError, match=r"ledger\.json: the ledger cannot be read"):
        read_ledger(str(path))


def test_a_ledger_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(IntentError, match="the ledger cannot be read"):
        read_ledger(str(tmp_path))


def test_a_missing_intent_is_no_empty_intent(tmp_path):
    with pytest.raises(IntentError, match=r"domain\.yaml: the intent cannot be read: No such file"):
        read_intent(str(tmp_path / "domain.yaml"))
