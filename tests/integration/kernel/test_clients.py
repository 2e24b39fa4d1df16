# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of clients: real programs take them, a key is never lost or told, and damage is seen and mended."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients import kept as clients
from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients.files import contents_of
from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients.text import key_alone, read
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import preshared
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.client import ClientConfig
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import CLIENT_ROOT

pytestmark = pytest.mark.usefixtures("disk")
ROOT = Path(CLIENT_ROOT)
SERVER = "SERVERSERVERSERVERSERVERSERVERSERVERSERVERA="


def wg(*arguments: str, text: str = "") -> str:
    return subprocess.run(["wg", *arguments], input=text, capture_output=True, text=True, check=True).stdout.strip()


def config_of(name: str, public_key: str, **fields: Any) -> ClientConfig:
    config = ClientConfig(
        name=name,
        link="wg0",
        public_key=public_key,
        given=False,
        addresses=("10.8.0.2/32", "fd00:8::2/128"),
        dns=("10.8.0.1",),
        mtu=1420,
        server_key=SERVER,
        endpoint="198.18.0.11:51820",
        allowed_ips=("10.8.0.0/24", "fd00:8::/64"),
        keepalive=25,
        preshared=True,
        about=("profile: home",),
    )
    return config._replace(**fields)


def add(*configs: ClientConfig) -> None:
    clients.apply([Change(ADD, kinds.CLIENT, config.name, None, config) for config in configs])


def change(before: ClientConfig | None, after: ClientConfig) -> None:
    clients.apply([Change(CHANGE, kinds.CLIENT, after.name, before, after)])


def remove(config: ClientConfig) -> None:
    clients.apply([Change(REMOVE, kinds.CLIENT, config.name, config, None)])


def path(name: str, end: str = ".conf") -> Path:
    return ROOT / name / (name + end)


def private_key(name: str) -> str | None:
    found = read(path(name).read_text())
    assert found is not None
    return found.secrets.private_key


def everything() -> dict[str, bytes]:
    return {str(file.relative_to(ROOT)): file.read_bytes() for file in sorted(ROOT.rglob("*")) if file.is_file()}


@pytest.fixture
def phone() -> ClientConfig:
    ((name, public_key),) = clients.make(["phone"])
    return config_of(name, public_key)


def test_a_host_without_clients_says_so() -> None:
    assert clients.observe() == clients.public_keys() == ()


def test_a_key_is_made_once_and_waits_for_its_plan() -> None:
    made = clients.make(["phone"])
    assert clients.make(["phone"]) == made == clients.public_keys()
    assert clients.observe() == (key_alone("phone", made[0][1]),)
    assert wg("pubkey", text=private_key("phone") or "") == made[0][1]


def test_what_was_applied_is_what_is_seen_and_the_key_is_the_one_that_was_made(phone: ClientConfig) -> None:
    private = private_key("phone")
    add(phone)
    assert clients.observe() == (phone,)
    assert clients.public_keys(clients.observe()) == (("phone", phone.public_key),)
    assert private_key("phone") == private
    assert sorted(everything()) == ["phone/phone.conf", "phone/phone.nmconnection", "phone/phone.png"]


@pytest.mark.fault("F33")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_nobody_else_can_read_anything_whatever_the_umask(umask: int) -> None:
    before = os.umask(umask)
    try:
        ((name, public_key),) = clients.make(["phone"])
        add(config_of(name, public_key))
    finally:
        os.umask(before)
    for found in (ROOT, *ROOT.rglob("*")):
        wanted = 0o700 if found.is_dir() else 0o600
        assert stat.S_IMODE(found.stat().st_mode) == wanted, found


@pytest.mark.parametrize("end", [".conf", ".nmconnection", ".png"])
def test_a_file_that_others_could_read_is_written_anew(phone: ClientConfig, end: str) -> None:
    add(phone)
    path("phone", end).chmod(0o644)
    (seen,) = clients.observe()
    assert seen == phone._replace(whole=False)
    change(seen, phone)
    assert clients.observe() == (phone,)
    assert stat.S_IMODE(path("phone", end).stat().st_mode) == 0o600


def test_wg_quick_and_wg_take_the_conf(phone: ClientConfig, wireguard: Any) -> None:
    add(phone)
    strip = ["wg-quick", "strip", str(path("phone"))]
    stripped = subprocess.run(strip, capture_output=True, text=True, check=True).stdout
    wireguard.start("wg0")
    wireguard.wg("setconf", "wg0", "/dev/stdin", text=stripped)
    shown = wireguard.wg("show", "wg0", "dump").splitlines()
    assert shown[0].split("\t")[:2] == [private_key("phone"), phone.public_key]
    psk = Path(preshared.preshared_file("wg0", phone.public_key) or "").read_text().strip()
    peer = shown[1].split("\t")
    assert (peer[:4], peer[-1]) == ([SERVER, psk, phone.endpoint, ",".join(phone.allowed_ips)], "25")


def test_a_camera_reads_the_conf_from_the_picture(phone: ClientConfig) -> None:
    add(phone)
    read_back = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", str(path("phone", ".png"))]
    shown = subprocess.run(read_back, capture_output=True, text=True, check=True).stdout
    told = [line for line in path("phone").read_text().splitlines() if line and not line.startswith("#")]
    assert shown.split() == "\n".join(told).split()


def test_a_client_with_a_key_of_its_own_has_no_private_key_and_no_picture() -> None:
    tablet = config_of("tablet", wg("pubkey", text=wg("genkey")), given=True)
    add(tablet)
    assert clients.observe() == (tablet,)
    assert clients.public_keys() == ()
    assert private_key("tablet") is None
    assert sorted(everything()) == ["tablet/tablet.conf", "tablet/tablet.nmconnection"]


def test_what_is_too_long_for_a_picture_has_none_and_is_whole(phone: ClientConfig) -> None:
    add(phone)
    long = phone._replace(allowed_ips=tuple(f"10.{number}.0.0/16" for number in range(250)))
    change(phone, long)
    assert clients.observe() == (long,)
    assert not path("phone", ".png").exists()


def test_a_change_keeps_the_key_and_touches_nobody_else(phone: ClientConfig) -> None:
    ((_name, other),) = clients.make(["laptop"])
    add(phone, config_of("laptop", other, addresses=("10.8.0.3/32",)))
    before, private = everything(), private_key("phone")
    change(phone, phone._replace(endpoint="vpn.example.net:443"))
    after = everything()
    assert private_key("phone") == private
    assert {name for name in after if after[name] != before[name]} == {
        "phone/phone.conf",
        "phone/phone.nmconnection",
        "phone/phone.png",
    }


def test_another_preshared_key_of_the_pair_makes_the_conf_stale(phone: ClientConfig) -> None:
    add(phone)
    preshared.forget_preshared("wg0", phone.public_key)
    preshared.make_preshared("wg0", [phone.public_key])
    (seen,) = clients.observe()
    assert seen == phone._replace(preshared=False)
    change(seen, phone)
    assert clients.observe() == (phone,)


def test_who_is_revoked_leaves_nothing_behind_and_comes_back_only_by_undoing(phone: ClientConfig) -> None:
    add(phone)
    private = private_key("phone")
    remove(phone)
    assert list(ROOT.iterdir()) == []
    add(phone)
    assert private_key("phone") == private
    assert clients.observe() == (phone,)


def test_a_key_that_is_not_here_is_not_made_up(phone: ClientConfig) -> None:
    with pytest.raises(KernelError, match="the private key that its plan speaks of is not here"):
        change(None, phone._replace(public_key=SERVER))
    with pytest.raises(KernelError, match="client laptop: the private key"):
        add(config_of("laptop", SERVER))


def test_a_client_that_is_renewed_has_another_key_and_no_file_with_the_old_one(phone: ClientConfig) -> None:
    add(phone)
    old = private_key("phone") or ""
    ((_name, public_key),) = clients.make(["phone"], anew=True)
    assert public_key != phone.public_key
    assert not any(old.encode() in data for data in everything().values())
    change(clients.observe()[0], phone._replace(public_key=public_key))
    assert clients.observe()[0].public_key == public_key


def test_renewing_can_be_undone_by_the_run_that_did_it(phone: ClientConfig) -> None:
    add(phone)
    private = private_key("phone")
    ((_name, public_key),) = clients.make(["phone"], anew=True)
    change(None, phone._replace(public_key=public_key))
    change(None, phone)
    assert private_key("phone") == private


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    os.truncate(file, 0)


@pytest.mark.parametrize("damage", [flip, halve, empty, Path.unlink])
@pytest.mark.parametrize("end", [".conf", ".nmconnection", ".png"])
def test_damage_to_one_file_is_seen_and_mended_with_the_same_key(phone: ClientConfig, damage: Any, end: str) -> None:
    add(phone)
    before = everything()
    damage(path("phone", end))
    (seen,) = clients.observe()
    assert (seen.name, seen.public_key, seen.whole) == ("phone", phone.public_key, False)
    assert clients.public_keys() == clients.make(["phone"]) == (("phone", phone.public_key),)
    change(seen, phone)
    assert clients.observe() == (phone,)
    assert everything() == before


def test_a_key_of_which_no_good_copy_is_left_is_not_replaced_without_a_word(phone: ClientConfig) -> None:
    add(phone)
    flip(path("phone"))
    halve(path("phone", ".nmconnection"))
    assert clients.public_keys() == ()
    for attempt in (lambda: clients.make(["phone"]), lambda: change(None, phone)):
        with pytest.raises(KernelError, match=r"both files .* are damaged; bring them back from the store"):
            attempt()


def test_what_the_store_kept_comes_back_where_it_is_missing_and_only_there(phone: ClientConfig) -> None:
    ((_name, other),) = clients.make(["laptop"])
    add(phone, config_of("laptop", other))
    kept = {name: contents_of(CLIENT_ROOT, name) for name in ("phone", "laptop")}
    before = everything()
    shutil.rmtree(ROOT / "phone")
    damaged = {"tablet": {"tablet.conf": kept["phone"]["phone.conf"]}, "watch": {"watch.conf": b"half"}}
    assert clients.restore({**kept, **damaged}) == ("phone",)
    assert clients.restore(kept) == ()
    assert everything() == before
    assert clients.observe() == (config_of("laptop", other), phone)


@pytest.mark.fault("F33")
def test_a_run_that_was_ended_in_the_middle_leaves_the_old_files_or_the_new_ones(phone: ClientConfig) -> None:
    add(phone)
    # What a process leaves that is killed before its rename.
    (ROOT / "phone" / ".phone.conf.new").write_text("half")
    assert clients.observe() == (phone,)
    change(phone, phone._replace(mtu=1400))
    assert clients.observe() == (phone._replace(mtu=1400),)
    assert not (ROOT / "phone" / ".phone.conf.new").exists()


def test_half_a_removal_is_not_half_a_client(phone: ClientConfig) -> None:
    add(phone)
    (ROOT / "phone").rename(ROOT / ".phone.gone")
    assert clients.observe() == ()
    clients.make(["phone"])
    remove(clients.observe()[0])
    assert list(ROOT.iterdir()) == []


@pytest.mark.fault("F54")
def test_no_key_is_told_in_an_error(phone: ClientConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    add(phone)
    secrets = [private_key("phone") or "", Path(preshared.preshared_file("wg0", phone.public_key) or "").read_text()]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KernelError, match="qrencode is not installed") as caught:
        change(phone, phone._replace(mtu=1300))
    assert not any(secret.strip() in repr(caught.getrepr(showlocals=False)) for secret in secrets)


def test_a_thousand_clients_are_all_seen() -> None:
    private = wg("genkey")
    public = wg("pubkey", text=private)
    first = config_of("client0", public, preshared=False, given=True)
    add(first)
    for number in range(1, 1000):
        add(first._replace(name=f"client{number}"))
    assert len(clients.observe()) == 1000
