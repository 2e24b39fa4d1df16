# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Weft leaves a host: all that network tools show, and every file, is as it was before the host's first plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.edge.convergence import depart
from ansible_collections.weft.overlay.plugins.module_utils.edge.program import program
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.kernel.store import place as store_place
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import Author
from tests.integration.policy.home import STORE, everything, filtered_by, plan, run
from tests.integration.policy.town import ON_TUNNEL, OPEN, ip, objects

ME = Author("anna@ops")
ALL_GOES = {"keep_keys": False, "forget_store": True, "disconnect": False}
BY_DEFAULT = {**ALL_GOES, "forget_store": False}


def build(backend: str) -> None:
    """As site.yml does it, but for the services of a policy: systemd does not run here."""
    wanted = plan(1, 2)
    converge(wanted, HostKernel(), program())
    judged = wanted._replace(policy=OPEN._replace(attachments=(ON_TUNNEL._replace(interface="vxkr1"),)))
    converge(judged, HostKernel(policies=True), objects=objects())
    assert "WEFT-SCOPE" in run(f"{backend}-save")
    assert list(HostKernel().observe().state["policed interface"]) == ["vxkr1"]
    assert os.path.ismount("/sys/fs/bpf")


@pytest.mark.parametrize("backend", ["iptables-nft", "iptables-legacy"])
@pytest.mark.usefixtures("home")
def test_everything_is_as_it_was_before_the_first_plan(backend: str) -> None:
    filtered_by(backend)
    before = everything()
    build(backend)
    assert everything() != before
    foretold = depart(ME, ALL_GOES, True)
    done = depart(ME, ALL_GOES, False)
    assert foretold["changes"] == done["changes"]
    assert done["notes"] == []
    assert everything() == before
    assert depart(ME, ALL_GOES, False)["changed"] is False


@pytest.mark.usefixtures("home")
def test_it_can_be_built_again() -> None:
    filtered_by("iptables-nft")
    before = everything()
    for _time in range(2):
        build("iptables-nft")
        depart(ME, ALL_GOES, False)
    assert everything() == before


@pytest.mark.usefixtures("home")
def test_what_others_put_into_our_tables_meanwhile_stays() -> None:
    filtered_by("iptables-nft")
    build("iptables-nft")
    run("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-s", "192.0.2.7", "-j", "DROP")
    run("iptables-nft", "-t", "mangle", "-P", "OUTPUT", "DROP")
    ip("link add br0 type bridge")
    ip("link set far master br0")
    depart(ME, ALL_GOES, False)
    left = run("iptables-nft-save")
    assert "-A PREROUTING -s 192.0.2.7/32 -j DROP" in left
    assert ":OUTPUT DROP" in left
    assert "WEFT" not in left
    assert "master br0" in run("ip", "link", "show", "far")


@pytest.mark.usefixtures("home")
def test_a_host_that_never_had_anything_of_ours_is_not_touched() -> None:
    before = everything()
    done = depart(ME, ALL_GOES, False)
    assert (done["changed"], done["notes"]) == (False, [])
    assert everything() == before


def a_store(root: Path) -> None:
    store_place.remember(str(root), store_place.make(str(root)))
    (root / "objects").mkdir()
    (root / "objects" / "one").write_text("intent")


@pytest.mark.usefixtures("home")
def test_a_store_stays_unless_it_is_to_be_forgotten() -> None:
    a_store(STORE / "weft")
    done = depart(ME, BY_DEFAULT, False)
    assert done["changed"] is False
    assert [note.split(" (")[0] for note in done["notes"]] == ["kept: the store: intent, ledger and files of clients"]
    assert (STORE / "weft" / "objects" / "one").exists()
    assert Path(store_place.MEMORY).exists()
    depart(ME, ALL_GOES, False)
    assert not (STORE / "weft").exists()
    assert not Path("/var/lib/weft/stores.json").exists()


@pytest.mark.usefixtures("home")
def test_a_folder_that_was_there_and_files_of_others_outlive_a_store() -> None:
    found, shared = STORE / "found", STORE / "shared"
    found.mkdir(mode=0o751)
    a_store(found)
    a_store(shared)
    (shared / "theirs").write_text("x")
    depart(ME, ALL_GOES, False)
    assert oct(found.stat().st_mode) == "0o40751"
    assert [path.name for path in STORE.rglob("*") if path.is_file()] == ["theirs"]


@pytest.mark.usefixtures("home")
def test_a_store_whose_disk_is_missing_is_not_taken_for_a_removed_one() -> None:
    a_store(STORE / "weft")
    run("mount", "-t", "tmpfs", "none", str(STORE / "weft"))
    with pytest.raises(Exception, match="is its disk mounted") as caught:
        depart(ME, ALL_GOES, False)
    assert isinstance(caught.value.__cause__, KernelError)
    run("umount", str(STORE / "weft"))
    depart(ME, ALL_GOES, False)
    assert not (STORE / "weft").exists()


@pytest.mark.usefixtures("home")
def test_private_keys_and_denials_go_and_are_told() -> None:
    for path in ("keys/wg0/private", "clients/anna/anna.conf", "audit/1-1.jsonl", "seal/seal.pem"):
        os.makedirs(os.path.dirname(f"/var/lib/weft/{path}"), exist_ok=True)
        Path(f"/var/lib/weft/{path}").write_text("secret")
    kept = depart(ME, {**ALL_GOES, "keep_keys": True}, False)
    assert Path("/var/lib/weft/keys/wg0/private").exists()
    assert Path("/var/lib/weft/clients/anna/anna.conf").exists()
    assert any(note.startswith("kept: private keys of wg0") for note in kept["notes"])
    done = depart(ME, ALL_GOES, False)
    assert [note for note in done["notes"] if note.startswith("goes for good: private keys of wg0")]
    assert not Path("/var/lib/weft").exists()


@pytest.mark.usefixtures("home")
def test_what_opens_a_store_stays_as_long_as_the_store() -> None:
    a_store(STORE / "weft")
    seal = Path("/var/lib/weft/seal/seal.pem")
    seal.parent.mkdir()
    seal.write_text("secret")
    done = depart(ME, BY_DEFAULT, False)
    assert seal.exists()
    assert set(done["kept"]) == {str(STORE / "weft"), "/var/lib/weft/seal", store_place.MEMORY}
    depart(ME, ALL_GOES, False)
    assert not seal.exists()
