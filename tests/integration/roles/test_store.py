# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The store as playbooks use it: what a run keeps on the NAS, what it does without the NAS, and what comes back."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode, b64encode

import pytest

from tests.integration.roles.sites import INTENT, SECRETS, STORE, Exchange, Site, current, kept


def store(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    return site.play(["weft.overlay.fetch", "weft.overlay.store"], *options)


def done(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def changed(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    return {host: int(count) for host, count in re.findall(r"^(\w+) .*changed=(\d+)", done(run), re.MULTILINE)}


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


@pytest.mark.fault("F54")
def test_no_secret_is_in_anything_that_a_run_says_or_leaves_on_the_controller(built: Site) -> None:
    secrets = [key for machine in (built.router, built.nas) for key in machine.call(SECRETS)]
    assert len(secrets) == 2 + 3 * 2, "a key of each link, a key and a preshared key of each client"
    said = store(built, "-vvvv", "--diff")
    before = kept(built.router)
    built.router.wipe()
    said.stdout += recover(built, "-vvvv", "--diff").stdout
    assert kept(built.router) == before
    assert len(said.stdout) > 10_000
    controller = b"".join(path.read_bytes() for path in built.folder.rglob("*") if path.is_file()).decode(
        errors="replace"
    )
    # As they are, and as base64 of a text that has them in it, wherever they begin in there.
    forms = [
        *secrets,
        *(b64encode(secret[first : first + 39].encode()).decode() for secret in secrets for first in (0, 1, 2)),
    ]
    assert [form for form in forms if form in said.stdout + said.stderr + controller] == []


def test_a_dry_run_says_whether_something_would_be_stored_and_writes_nothing(built: Site) -> None:
    assert max(changed(store(built, "--check")).values()) > 0
    assert built.nas.files("/srv") == {}
    Exchange(built).store()
    written = built.nas.files("/srv")
    assert max(changed(store(built, "--check")).values()) == 0
    assert built.nas.files("/srv") == written


def test_the_history_says_who_stored_which_intent_when(stored: Site) -> None:
    (stored.folder / "domain.yaml").write_text((INTENT % "true") + "# more\n")
    done(store(stored))
    shown = done(stored.playbook("playbooks/history.yml"))
    lines = re.findall(r"^(\d)  20\S+Z  (\S+@\S+)  \d+ files, intent (\w{12})$", shown, re.MULTILINE)
    assert [line[0] for line in lines] == ["2", "1"]
    assert lines[0][2] != lines[1][2]
    assert lines[1][1] == "ada@desk"


def test_without_the_nas_the_run_goes_on_says_what_is_not_stored_and_the_next_one_stores_it(built: Site) -> None:
    built.write_inventory(nas_is_there=False)
    run = built.play(["weft.overlay.store"], hosts="routers")
    assert "note: nas1 was not reached: what is new in the intent" in done(run)
    built.write_inventory()
    Exchange(built).store()
    assert "clients/router1/phone/phone.conf" in current(built.nas)


@pytest.mark.fault("F31")
def test_a_mount_point_without_its_disk_ends_the_run_and_stays_empty(stored: Site) -> None:
    stored.nas.run("mv", STORE, "/srv/elsewhere")
    stored.nas.run("mkdir", STORE)
    run = store(stored)
    assert run.returncode == 2
    assert "was here, and now there is none: is its disk mounted?" in run.stdout
    assert stored.nas.files(STORE) == {}


@pytest.mark.fault("F20")
def test_a_router_that_was_wiped_has_its_keys_and_its_clients_files_again(stored: Site) -> None:
    before = kept(stored.router)
    stored.router.wipe()
    shown = done(recover(stored))
    assert "router1: keys of wg0 and files of laptop, phone came back" in shown
    assert kept(stored.router) == before


def test_a_dry_recovery_says_what_would_come_back_and_writes_nothing(stored: Site) -> None:
    stored.router.wipe()
    stored.router.call("from module_utils.kernel.keys import sealing\nsealing.certificate()")
    assert changed(recover(stored, "--check"))["router1"] > 0
    assert set(stored.router.files("/var/lib/weft")) == {"seal/seal.pem"}


def test_a_nas_that_was_wiped_is_filled_again_and_gets_its_own_keys_and_clients_from_the_router(stored: Site) -> None:
    before, tree = kept(stored.nas), current(stored.nas)
    stored.nas.wipe()
    assert "nas1: keys of wg1 and files of desk came back" in done(recover(stored, target="nas1"))
    assert kept(stored.nas) == before
    done(store(stored))
    after = current(stored.nas)
    assert set(after) == set(tree)
    assert {path for path in after if after[path] != tree[path]} == {"identity/router1.cms", "identity/nas1.cms"}


LOOKED = [{"name": "a host was looked at", "ansible.builtin.command": "true"}]
FROM_NAS = ("-e", "weft_domain_from=nas")


def fetch(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    role = {"role": "weft.overlay.fetch"}
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


@pytest.mark.fault("F31")
def test_without_the_nas_no_host_is_touched(stored: Site) -> None:
    assert "a host was looked at" in done(fetch(stored))
    stored.write_inventory(nas_is_there=False)
    refuse(fetch(stored), "nas1 was not reached, and the intent is there")


def test_an_empty_mount_point_or_a_store_that_never_was_is_no_empty_intent(built: Site) -> None:
    refuse(fetch(built), "there is no store yet; run site.yml once")
    Exchange(built).store()
    built.nas.run("mv", STORE, "/srv/elsewhere")
    refuse(fetch(built), "is its disk mounted?")
    built.nas.run("mkdir", STORE)
    refuse(fetch(built), "is its disk mounted?")


def test_no_path_of_a_dry_run_is_left_on_the_controller(stored: Site) -> None:
    done(fetch(stored, "--check"))
    assert not (stored.folder / "build/from-nas").exists()
