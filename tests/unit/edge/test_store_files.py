# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What of the controller goes into a store, who keeps what, and what a copy from there may replace."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, LinkEntry
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project, write_plans
from ansible_collections.weft.overlay.plugins.module_utils.edge.store_files import (
    MIRROR_PATH,
    Place,
    files_of,
    keys_of,
    places,
    save,
)
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device

KEY = "a" * 43 + "="


def intent(*interfaces, store="store: {server: nas1, path: /srv/weft, keep: 4, identity: true}"):
    servers = {"nas1": "nas", "nas2": "nas", "router2": "router", "router1": "router"}
    lines = ["version: 1", "servers:"]
    lines += [f"  {name}: {{role: {role}, management: {{ipv4: 192.0.2.{number}}}}}"
              for number, (name, role) in enumerate(servers.items(), start=1)]  # fmt: skip
    lines += ["interfaces:"]
    lines += [f"  wg{number}: {{server: {server}, endpoint: {{host: vpn.example.net, port: {5000 + number}}}, "
              f"subnets: {{ipv4: 10.{number}.0.0/24}}}}" for number, server in enumerate(interfaces)]  # fmt: skip
    return parse("\n".join([*lines, store, ""]), "domain.yaml")


def test_without_a_store_nothing_is_kept():
    assert places(intent("router1", store="")) == ()


def test_the_store_has_what_every_server_with_interfaces_has():
    found = places(intent("router2", "router1", "router1"))
    assert found == (Place("nas1", "/srv/weft", 4, True, ("router1", "router2")),)


@pytest.mark.parametrize(
    ("interfaces", "keeper"),
    [(("nas1", "router2", "router1"), "router1"), (("nas1", "nas2"), "nas2"), (("nas1", "nas2", "router2"), "router2")],
)
def test_what_the_nas_would_lose_with_its_own_disk_another_server_keeps_a_router_if_there_is_one(interfaces, keeper):
    first, second = places(intent(*interfaces))
    assert first.servers == tuple(sorted(set(interfaces)))
    assert (second.server, second.path, second.identity, second.servers) == (keeper, MIRROR_PATH, True, ("nas1",))


def test_alone_the_nas_has_nobody_to_keep_its_own():
    assert len(places(intent("nas1"))) == 1


def test_the_store_has_the_very_bytes_of_the_intent_and_the_ledger_and_canonical_plans(tmp_path):
    (tmp_path / "domain.yaml").write_bytes(b"version: 1\r\n# \xc3\xa4\n")
    (tmp_path / "ledger.json").write_bytes(b"{}")
    plan = HostPlan("router/1", "router", devices=(Device("wg0", KEY),))
    write_plans(str(tmp_path / "build"), {plan.host: plan, "hub": HostPlan("hub", "hub")})
    project = Project(*(str(tmp_path / name) for name in ("domain.yaml", "ledger.json", "build")))
    found = files_of(project)
    assert set(found) == {
        "domain.yaml",
        "ledger.json",
        "plans/hub.json",
        "plans/router%2F1.json",
        "public-keys.json",
    }
    assert found["domain.yaml"] == (tmp_path / "domain.yaml").read_bytes()
    assert found["plans/router%2F1.json"].decode() == to_json(plan)
    assert KEY in found["public-keys.json"].decode()
    (tmp_path / "ledger.json").unlink()
    assert "ledger.json" not in files_of(project)


def test_the_keys_of_a_server_are_those_that_the_ledger_knows_the_next_one_too():
    other = "b" * 43 + "="
    entries = {
        "wg0": LinkEntry("router1", Ends(KEY, other)),
        "wg1": LinkEntry("nas1", Ends(KEY)),
        "wg2": LinkEntry("router1"),
    }
    assert keys_of(EMPTY._replace(interfaces=entries), "router1") == {"wg0": [KEY, other], "wg2": []}


def test_a_store_without_an_intent_is_no_empty_intent(tmp_path):
    with pytest.raises(IntentError, match="the store has no intent"):
        save(str(tmp_path), None, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_what_comes_from_the_store_replaces_what_came_before(tmp_path):
    assert save(str(tmp_path), b"one", b"1") == []
    assert save(str(tmp_path), b"two", b"2") == []
    assert [(tmp_path / name).read_bytes() for name in ("domain.yaml", "ledger.json")] == [b"two", b"2"]


@pytest.mark.parametrize("name", ["domain.yaml", "ledger.json"])
def test_what_was_changed_here_and_not_stored_stays_and_is_told(tmp_path, name):
    save(str(tmp_path), b"one", b"1")
    (tmp_path / name).write_bytes(b"ours")
    (note,) = save(str(tmp_path), b"one", b"1")
    assert note.startswith(f"{name} of the run before could not be stored then")
    assert (tmp_path / name).read_bytes() == b"ours"
    stored = {"domain.yaml": b"one", "ledger.json": b"1", name: b"ours"}
    assert save(str(tmp_path), *stored.values()) == []


@pytest.mark.parametrize("name", ["domain.yaml", "ledger.json"])
def test_what_was_changed_here_and_there_is_told_and_nothing_written(tmp_path, name):
    save(str(tmp_path), b"one", b"1")
    (tmp_path / name).write_bytes(b"ours")
    theirs = {"domain.yaml": b"one", "ledger.json": b"1", name: b"theirs"}
    with pytest.raises(IntentError, match=f"{name}: it was changed here .* has changed since; compare them"):
        save(str(tmp_path), *theirs.values())
    assert (tmp_path / name).read_bytes() == b"ours"
