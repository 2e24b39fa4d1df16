# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One client in the intent's file."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.client import ADD, RENEW, REVOKE, SHOW, do
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import Project, write_plans
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.client import ClientConfig
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import ROUTER, HostPlan

TEXT = """\
version: 1
servers:
  router: {role: router, management: {ipv4: 192.0.2.1}}
interfaces:
  wg0:
    server: router
    endpoint: {host: vpn.example.net, port: 51820}
    subnets: {ipv4: 10.8.0.0/24}
    lan: [192.0.2.0/24]
profiles:
  lan-only: {lan: true}
bindings:
  wg0: [lan-only]
clients:
  # people
  bob: {interface: wg0, profile: lan-only, owner: Bob}   # his phone
  site: {interface: wg0, profile: lan-only, host: site1}
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "domain.yaml").write_text(TEXT, encoding="utf-8")
    return Project(str(tmp_path / "domain.yaml"), "", str(tmp_path / "build"))


def text(project):
    with open(project.intent, encoding="utf-8") as stream:
        return stream.read()


def test_a_client_is_added_and_every_other_line_stays(project):
    done = do(project, ADD, "alice", {"interface": "wg0", "profile": "lan-only"}, False, True)
    assert (done.changed, done.server, done.anew) == (True, "router", False)
    assert [line for line in TEXT.splitlines() if line not in text(project).splitlines()] == []
    assert set(parse(text(project), "domain.yaml").clients) == {"alice", "bob", "site"}


def test_a_dry_run_writes_nothing_and_shows_the_same(project):
    dry = do(project, ADD, "alice", {"interface": "wg0", "profile": "lan-only"}, False, False)
    assert text(project) == TEXT
    do(project, ADD, "alice", {"interface": "wg0", "profile": "lan-only"}, False, True)
    assert text(project) == dry.after


def test_a_fault_is_told_with_its_place_and_nothing_is_written(project):
    with pytest.raises(IntentError) as caught:
        do(project, ADD, "alice", {"interface": "wg9", "profile": "lan-only"}, False, True)
    (fault,) = caught.value.faults
    assert fault.path == "clients.alice.interface"
    assert text(project) == TEXT


def test_a_revoked_client_is_out_of_the_file(project):
    done = do(project, REVOKE, "bob", {}, False, True)
    assert (done.changed, done.server, done.lines) == (True, "router", ())
    assert "bob" not in parse(text(project), "domain.yaml").clients
    assert "# people" in text(project)


def test_a_renewed_client_has_another_expiry(project):
    done = do(project, RENEW, "bob", {"expires": "2027-12-31"}, False, True)
    assert "  expires     2028-01-01 00:00 UTC" in done.lines
    assert parse(text(project), "domain.yaml").clients["bob"].expires == 1830297600


def test_only_the_server_makes_a_key_anew_where_it_made_the_first(project):
    assert do(project, RENEW, "bob", {}, True, True).anew
    with pytest.raises(IntentError, match=r"its key is not made by the server; rotate.yml changes it"):
        do(project, RENEW, "site", {}, True, True)


def test_showing_tells_what_the_plan_made_of_it_and_no_secret(project):
    config = ClientConfig(
        "bob", "wg0", "B" * 43 + "=", False, ("10.8.0.2/32",), (), 1420, "", "", ("192.0.2.0/24",), 25, True
    )
    write_plans(project.build, {"router": HostPlan("router", ROUTER, clients=(config,))})
    done = do(project, SHOW, "bob", {}, False, True)
    assert not done.changed
    assert "  addresses   10.8.0.2/32" in done.lines
    assert "  files       on router: weft client show bob --qr" in done.lines
    with pytest.raises(IntentError, match="show changes nothing"):
        do(project, SHOW, "bob", {"owner": "Eve"}, False, True)
