# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The store as playbooks use it: what a run keeps on the NAS, what it does without the NAS, and what comes back."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, LinkEntry, to_json
from ansible_collections.weft.overlay.plugins.module_utils.edge.project import write_plans
from ansible_collections.weft.overlay.plugins.module_utils.model.client import ClientConfig
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Device
from tests.integration.roles.conftest import Machine, Site

STORE = "/srv/weft"
LINKS = {"router1": "wg0", "nas1": "wg1"}
CLIENTS = {"router1": ["phone", "laptop"], "nas1": ["desk"]}
INTENT = """\
version: 1
servers:
  router1: {role: router, management: {ipv4: 198.18.0.1}}
  nas1: {role: nas, management: {ipv4: 198.18.0.3}}
interfaces:
  wg0: {server: router1, endpoint: {host: 192.0.2.1, port: 51820}, subnets: {ipv4: 10.8.0.0/24}, lan: [198.18.0.0/24]}
  wg1: {server: nas1, endpoint: {host: 192.0.2.1, port: 51821}, subnets: {ipv4: 10.9.0.0/24}, lan: [198.18.0.0/24]}
profiles: {home: {lan: true}}
bindings: {wg0: [home], wg1: [home]}
clients:
  phone: {interface: wg0, profile: home}
  laptop: {interface: wg0, profile: home}
  desk: {interface: wg1, profile: home}
store: {server: nas1, path: /srv/weft, identity: %s}
"""
MAKE = """
from module_utils.kernel import clients, keys
from module_utils.model.change import ADD, Change
from module_utils.model.client import ClientConfig
server = keys.make_link(data["link"])
made = clients.make(data["clients"])
rest = (1420, server, "192.0.2.1:51820", ("198.18.0.0/24",), 25, True)
configs = [ClientConfig(name, data["link"], key, False, ("10.8.0.2/32",), (), *rest) for name, key in made]
clients.apply([Change(ADD, "client", config.name, None, config) for config in configs])
answer = [server, [config._asdict() for config in clients.observe()]]
"""
SECRETS = """
import re
from pathlib import Path
root = Path("/var/lib/weft")
texts = [path.read_text(errors="replace") for path in root.rglob("*") if path.is_file()]
found = set(re.findall("[A-Za-z0-9+/]{43}=", "".join(texts)))
public = set(re.findall("PublicKey = ([A-Za-z0-9+/]{43}=)", "".join(texts)))
public |= {path.read_text().strip() for path in root.rglob("*.pub")}
answer = sorted(found - public)
"""


@pytest.fixture(scope="module")
def states(site: Site) -> Site:
    """A site of which both states below are saved."""
    build(site)
    site.save("built")
    done(store(site))
    site.save("stored")
    return site


@pytest.fixture
def built(states: Site) -> Site:
    """Both hosts have keys and clients, and the controller the plans and the ledger of it, as after converge."""
    states.restore("built")
    return states


@pytest.fixture
def stored(states: Site) -> Site:
    """The same after the first run that stored it."""
    states.restore("stored")
    return states


def build(site: Site) -> None:
    (site.folder / "domain.yaml").write_text(INTENT % "true")
    plans, interfaces = {}, {}
    for machine in (site.router, site.nas):
        link = LINKS[machine.name]
        server, found = machine.call(MAKE, {"link": link, "clients": CLIENTS[machine.name]})
        configs = tuple(ClientConfig(**{key: _tuple(value) for key, value in one.items()}) for one in found)
        plans[machine.name] = HostPlan(machine.name, "router", devices=(Device(link, server, 51820),), clients=configs)
        interfaces[link] = LinkEntry(machine.name, Ends(server))
    write_plans(str(site.folder / "build"), plans)
    (site.folder / "ledger.json").write_text(to_json(EMPTY._replace(interfaces=interfaces)))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def store(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    return site.play(["weft.overlay.fetch", "weft.overlay.store"], *options)


def done(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def changed(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\w+) .*changed=(\d+)", done(run), re.MULTILINE)}


def current(machine: Machine, path: str = STORE) -> dict[str, bytes]:
    number = machine.run("readlink", f"{path}/current").strip()
    return machine.files(f"{path}/{number}")


def kept(machine: Machine) -> dict[str, bytes]:
    return {**machine.files("/var/lib/weft/clients"), **machine.files("/var/lib/weft/keys")}


def recover(site: Site, *options: str, target: str = "router1") -> subprocess.CompletedProcess[str]:
    return site.play(["weft.overlay.fetch", "weft.overlay.recover"], *options, hosts=target)


def test_a_run_keeps_everything_on_the_nas_and_the_next_one_changes_nothing(built: Site) -> None:
    assert max(changed(store(built)).values()) > 0
    tree = current(built.nas)
    wanted = {f"clients/{host}/{path}" for machine in (built.router, built.nas) for host in [machine.name]
              for path in machine.files("/var/lib/weft/clients")}  # fmt: skip
    controllers = {"domain.yaml", "ledger.json", "plans/router1.json", "plans/nas1.json", "public-keys.json"}
    assert set(tree) == wanted | controllers | {"identity/router1.cms", "identity/nas1.cms"}
    for name in ("domain.yaml", "ledger.json", "plans/router1.json"):
        local = built.folder / ("build/" + name if "/" in name else name)
        assert tree[name] == local.read_bytes()
    for path, data in built.router.files("/var/lib/weft/clients").items():
        assert tree[f"clients/router1/{path}"] == data
    assert b64decode(tree["identity/router1.cms"])[:1] == b"\x30", "DER"
    again = store(built)
    assert changed(again) == {"router1": 0, "nas1": 0}
    assert "note:" not in again.stdout
    assert list(built.nas.files(f"{STORE}/generations")) == ["1.json"]


def test_the_history_says_who_stored_which_intent_when(stored: Site) -> None:
    (stored.folder / "domain.yaml").write_text((INTENT % "true") + "# more\n")
    done(store(stored))
    shown = done(stored.playbook("playbooks/history.yml"))
    lines = re.findall(r"^(\d)  20\S+Z  (\S+@\S+)  \d+ files, intent (\w{12})$", shown, re.MULTILINE)
    assert [line[0] for line in lines] == ["2", "1"]
    assert lines[0][2] != lines[1][2]


def test_no_secret_is_in_anything_that_a_run_says_or_leaves_on_the_controller(built: Site) -> None:
    secrets = [key for machine in (built.router, built.nas) for key in machine.call(SECRETS)]
    assert len(secrets) == 2 + 3 * 2, "a key of each link, a key and a preshared key of each client"
    said = store(built, "-vvvv", "--diff")
    before = kept(built.router)
    built.router.wipe()
    said.stdout += recover(built, "-vvvv", "--diff").stdout
    assert kept(built.router) == before
    controller = b"".join(path.read_bytes() for path in built.folder.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret not in said.stdout + said.stderr
        assert secret.encode() not in controller


def test_a_dry_run_says_whether_something_would_be_stored_and_writes_nothing(built: Site) -> None:
    before = built.nas.files("/srv")
    assert max(changed(store(built, "--check")).values()) > 0
    assert built.nas.files("/srv") == before == {}
    done(store(built))
    written = built.nas.files("/srv")
    assert max(changed(store(built, "--check")).values()) == 0
    (built.folder / "ledger.json").write_text(to_json(EMPTY))
    assert max(changed(store(built, "--check")).values()) > 0
    assert built.nas.files("/srv") == written


def test_without_the_nas_the_run_goes_on_says_what_is_not_stored_and_the_next_one_stores_it(built: Site) -> None:
    built.write_inventory(nas_is_there=False)
    run = built.play(["weft.overlay.store"], hosts="routers")
    assert "note: nas1 was not reached: what is new in the intent" in done(run)
    built.write_inventory()
    done(store(built))
    assert "clients/router1/phone/phone.conf" in current(built.nas)


def test_a_server_that_is_not_in_this_run_keeps_what_the_store_has_of_it(stored: Site) -> None:
    (stored.folder / "ledger.json").write_text(to_json(EMPTY))
    before = current(stored.nas)
    done(stored.play(["weft.overlay.store"], hosts="routers"))
    after = current(stored.nas)
    assert set(after) == set(before)
    assert {path for path in after if after[path] != before[path]} == {"ledger.json"}


def test_a_mount_point_without_its_disk_ends_the_run_and_stays_empty(stored: Site) -> None:
    stored.nas.run("mv", STORE, "/srv/elsewhere")
    stored.nas.run("mkdir", STORE)
    run = store(stored)
    assert run.returncode == 2
    assert "was here, and now there is none: is its disk mounted?" in run.stdout
    assert stored.nas.files(STORE) == {}


def test_what_was_damaged_on_the_nas_is_told_and_stored_again(stored: Site) -> None:
    tree = current(stored.nas)
    for name in ("clients/router1/phone/phone.conf", "domain.yaml"):
        stored.nas.path(f"{STORE}/trees/1/{name}").write_bytes(tree[name][:-1])
    shown = stored.playbook("playbooks/history.yml")
    assert shown.returncode == 2
    assert "note: domain.yaml of generation 1 is damaged or missing" in shown.stdout
    assert changed(store(stored)) != {"router1": 0, "nas1": 0}
    assert current(stored.nas) == tree
    done(stored.playbook("playbooks/history.yml"))
    stored.nas.path(f"{STORE}/trees/1/identity/router1.cms").write_bytes(b"half")
    assert changed(store(stored)) != {"router1": 0, "nas1": 0}
    after = current(stored.nas)
    assert {name for name in after if after[name] != tree[name]} == {"identity/router1.cms"}, "sealed anew"


def test_a_damaged_file_of_a_client_does_not_replace_the_good_one_of_the_store(stored: Site) -> None:
    before = current(stored.nas)
    stored.router.path("/var/lib/weft/clients/phone/phone.conf").write_bytes(b"half")
    assert "note: the files of phone are damaged and were not stored" in done(store(stored))
    assert current(stored.nas) == before


def test_a_client_that_was_revoked_goes_from_the_newest_generation(stored: Site) -> None:
    stored.router.run("rm", "-r", "/var/lib/weft/clients/phone")
    done(store(stored))
    assert not [path for path in current(stored.nas) if "phone" in path]


def test_a_router_that_was_wiped_has_its_keys_and_its_clients_files_again(stored: Site) -> None:
    before = kept(stored.router)
    stored.router.wipe()
    assert kept_or_nothing(stored.router) == {}
    shown = done(recover(stored))
    assert "router1: keys of wg0 and files of laptop, phone came back" in shown
    assert kept(stored.router) == before
    assert changed(recover(stored)) == {"router1": 0}


def kept_or_nothing(machine: Machine) -> dict[str, bytes]:
    return machine.files("/var/lib/weft")


def test_keys_are_no_longer_kept_once_the_intent_says_so_and_clients_files_come_back_alone(stored: Site) -> None:
    (stored.folder / "domain.yaml").write_text(INTENT % "false")
    done(store(stored))
    assert not [path for path in current(stored.nas) if path.startswith("identity")]
    before = stored.router.files("/var/lib/weft/clients")
    stored.router.wipe()
    assert "router1: keys of no link and files of laptop, phone came back" in done(recover(stored))
    assert stored.router.files("/var/lib/weft/clients") == before
    assert not stored.router.path("/var/lib/weft/keys").exists()


def test_a_key_that_the_ledger_does_not_know_is_refused_and_nothing_comes_back(stored: Site) -> None:
    other = stored.nas.call("from module_utils.kernel import keys\nanswer = keys.make_link('wg9')")
    (stored.folder / "ledger.json").write_text(
        to_json(EMPTY._replace(interfaces={"wg0": LinkEntry("router1", Ends(other))}))
    )
    stored.router.wipe()
    run = recover(stored)
    assert run.returncode == 2
    assert f"the ledger knows {other}; nothing was brought back" in run.stdout
    assert set(kept_or_nothing(stored.router)) == {"seal/seal.pem"}


def test_a_dry_recovery_says_what_would_come_back_and_writes_nothing(stored: Site) -> None:
    stored.router.wipe()
    stored.router.call("from module_utils.kernel import sealing\nsealing.certificate()")
    assert changed(recover(stored, "--check"))["router1"] > 0
    assert set(kept_or_nothing(stored.router)) == {"seal/seal.pem"}


def test_a_nas_that_was_wiped_is_filled_again_and_gets_its_own_keys_and_clients_from_the_router(stored: Site) -> None:
    before, tree = kept(stored.nas), current(stored.nas)
    stored.nas.wipe()
    assert "nas1: keys of wg1 and files of desk came back" in done(recover(stored, target="nas1"))
    assert kept(stored.nas) == before
    done(store(stored))
    after = current(stored.nas)
    assert set(after) == set(tree)
    assert {path for path in after if after[path] != tree[path]} == {"identity/router1.cms", "identity/nas1.cms"}


def test_an_older_generation_can_be_brought_back(stored: Site) -> None:
    before = kept(stored.router)
    stored.router.wipe()
    stored.router.call(MAKE, {"link": "wg0", "clients": ["phone"]})
    done(store(stored))
    stored.router.wipe()
    done(recover(stored, "-e", "weft_generation=1"))
    assert kept(stored.router) == before


LOOKED = [{"name": "a host was looked at", "ansible.builtin.command": "true"}]
FROM_NAS = ("-e", "weft_domain_from=nas")


def fetch(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    role = {"role": "weft.overlay.fetch"}
    (site.folder / "after.json").write_text(json.dumps(LOOKED))
    play = {"hosts": "all", "gather_facts": False, "roles": [role], "post_tasks": LOOKED}
    (site.folder / "fetch.json").write_text(json.dumps([play]))
    return site.playbook(str(site.folder / "fetch.json"), *FROM_NAS, *options)


def test_the_intent_comes_from_the_nas(stored: Site) -> None:
    intent, ledger = ((stored.folder / name).read_bytes() for name in ("domain.yaml", "ledger.json"))
    (stored.folder / "domain.yaml").unlink()
    (stored.folder / "ledger.json").unlink()
    assert changed(store(stored, *FROM_NAS)) == {"router1": 0, "nas1": 0}
    folder = stored.folder / "build/from-nas"
    assert ((folder / "domain.yaml").read_bytes(), (folder / "ledger.json").read_bytes()) == (intent, ledger)


def refuse(run: subprocess.CompletedProcess[str], reason: str) -> None:
    assert run.returncode != 0
    assert reason in run.stdout
    assert "a host was looked at" not in run.stdout


def test_without_the_nas_no_host_is_touched(stored: Site) -> None:
    assert "a host was looked at" in done(fetch(stored))
    stored.write_inventory(nas_is_there=False)
    refuse(fetch(stored), "nas1 was not reached, and the intent is there")


def test_an_empty_mount_point_or_a_store_that_never_was_is_no_empty_intent(built: Site) -> None:
    refuse(fetch(built), "there is no store yet; run site.yml once")
    done(store(built))
    built.nas.run("mv", STORE, "/srv/elsewhere")
    refuse(fetch(built), "is its disk mounted?")
    built.nas.run("mkdir", STORE)
    refuse(fetch(built), "is its disk mounted?")


def test_the_last_good_intent_is_used_and_told_where_the_newest_is_damaged(stored: Site) -> None:
    first = (stored.folder / "domain.yaml").read_bytes()
    (stored.folder / "domain.yaml").write_text((INTENT % "true") + "# more\n")
    done(store(stored))
    stored.nas.path(f"{STORE}/trees/2/domain.yaml").write_bytes(b"half")
    assert "note: domain.yaml of generation 2 is damaged" in done(fetch(stored))
    assert (stored.folder / "build/from-nas/domain.yaml").read_bytes() == first


def test_what_a_run_could_not_store_is_not_forgotten(stored: Site) -> None:
    done(fetch(stored))
    ours = stored.folder / "build/from-nas/ledger.json"
    ours.write_text(to_json(EMPTY))
    assert "note: ledger.json of the run before could not be stored then" in done(fetch(stored))
    assert ours.read_text() == to_json(EMPTY)
    (stored.folder / "ledger.json").write_text(to_json(EMPTY._replace(released=((7, "runner7"),))))
    done(store(stored))
    refuse(fetch(stored), "the one in the store has changed since; compare them")


def test_no_path_of_a_dry_run_is_left_on_the_controller(stored: Site) -> None:
    done(fetch(stored, "--check"))
    assert not (stored.folder / "build/from-nas").exists()
