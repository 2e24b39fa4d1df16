# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The keys of a host: private ones that only root can read, and public ones that always belong to them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel import programs
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import preshared
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import private as keys
from ansible_collections.weft.overlay.plugins.module_utils.kernel.wireguard.tool import harmless, is_key, wg
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import KEY_ROOT, Keys

pytestmark = pytest.mark.usefixtures("disk")
ROOT = Path(KEY_ROOT)
PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
PEER = "AB+/" + "x" * 39 + "="


def public_of(name: str) -> str:
    """What wg(8) says belongs to a private key."""
    text = (ROOT / name).read_text(encoding="ascii")
    return subprocess.run(["wg", "pubkey"], input=text, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_a_host_without_keys_says_so() -> None:
    assert keys.observe() == Keys()


@pytest.mark.fault("F33")
@pytest.mark.usefixtures("umask")
def test_keys_are_roots_alone_whatever_the_umask() -> None:
    keys.make_link("wg0")
    keys.make_following("wg0")
    preshared.get_preshared("wg0", PEER)
    assert len(list(ROOT.rglob("*"))) == 7
    for path in (ROOT, *ROOT.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_key_is_made_once_and_its_public_one_belongs_to_it() -> None:
    public = keys.make_link("wg0")
    assert public == public_of("wg0/private") == keys.make_link("wg0")
    assert keys.observe() == Keys(links=(("wg0", public),))


def test_a_look_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    keys.make_link("wg0")
    preshared.get_preshared("wg0", PEER)
    before = keys.observe()
    monkeypatch.setenv("PATH", "/nowhere")
    assert keys.observe() == before


@pytest.mark.parametrize("damage", ["", "no key", "A" * 43 + "="])
def test_a_public_key_that_is_missing_damaged_or_older_than_the_private_one_is_mended(damage: str) -> None:
    public = keys.make_link("wg0")
    beside = ROOT / "wg0/private.pub"
    if damage:
        beside.write_text(damage, encoding="ascii")
        os.utime(beside, ns=(1, 1))
    else:
        beside.unlink()
    assert keys.observe().links == (("wg0", public),)
    assert beside.read_text(encoding="ascii").strip() == public


@pytest.mark.fault("F32")
def test_a_damaged_private_key_is_no_key_and_not_written_over() -> None:
    keys.make_link("wg0")
    (ROOT / "wg0/private").write_text("", encoding="ascii")
    assert keys.observe() == Keys()
    with pytest.raises(KernelError, match=r"wg0/private is damaged; restore it, or remove it"):
        keys.make_link("wg0")


def test_the_following_key_becomes_the_private_one() -> None:
    old, new = keys.make_link("wg0"), keys.make_following("wg0")
    assert old != new
    assert keys.observe() == Keys(links=(("wg0", old),), following=(("wg0", new),))
    keys.promote("wg0")
    assert keys.observe() == Keys(links=(("wg0", new),))
    assert public_of("wg0/private") == new
    with pytest.raises(KernelError, match=r"there is no .*/next to change to"):
        keys.promote("wg0")


def test_the_key_that_a_device_should_have_is_found_and_a_change_of_keys_can_be_undone() -> None:
    old, new = keys.make_link("wg0"), keys.make_following("wg0")
    before = keys.observe()
    assert keys.private_file("wg0", new) == f"{KEY_ROOT}/wg0/private"
    assert public_of("wg0/private") == new
    assert keys.private_file("wg0", old) == f"{KEY_ROOT}/wg0/private"
    assert public_of("wg0/private") == old
    assert keys.observe() == before
    with pytest.raises(KernelError, match=r"^key of wg0: .* has no private key for somebody's"):
        keys.private_file("wg0", "somebody's")


# Changes the key of wg0 and dies just before the step of this number that changes the disk.
_CUT_OFF = """
import os, sys
sys.path.insert(0, sys.argv[1])
from module_utils.kernel.keys import private as keys
left = int(sys.argv[2])
def power(event, _arguments):
    global left
    if event in ("os.link", "os.remove", "os.rename"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
sys.addaudithook(power)
keys.promote("wg0")
"""


@pytest.mark.fault("F33")
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("last", range(1, 9))
def test_a_change_of_keys_that_is_cut_off_leaves_a_whole_key(last: int, again: bool) -> None:
    if again:
        keys.make_link("wg0")
        keys.make_following("wg0")
        keys.promote("wg0")
    old, new = keys.make_link("wg0"), keys.make_following("wg0")
    done = subprocess.run([sys.executable, "-c", _CUT_OFF, str(PLUGINS), str(last)], check=False)
    assert done.returncode == (-9 if last <= (7 if again else 5) else 0)
    seen = keys.observe()
    assert seen.links in ((("wg0", old),), (("wg0", new),))
    assert public_of("wg0/private") == seen.links[0][1]
    # And the next run brings it to its end.
    assert keys.private_file("wg0", new)
    assert keys.observe() == Keys(links=(("wg0", new),))
    assert keys.make_following("wg0") == public_of("wg0/next")


def test_a_link_that_is_gone_leaves_no_keys() -> None:
    keys.make_link("wg0")
    keys.make_link("wg1")
    preshared.preshared_file("wg0", PEER)
    keys.forget("wg0")
    keys.forget("wg0")
    assert [path.name for path in ROOT.iterdir()] == ["wg1"]


def test_preshared_keys_are_made_on_demand_and_kept() -> None:
    assert preshared.preshared_file("wg0", PEER, make=False) is None
    path = preshared.preshared_file("wg0", PEER)
    assert path == f"{KEY_ROOT}/wg0/AB-_{'x' * 39}=.psk"
    key = Path(path).read_text(encoding="ascii")
    assert is_key(key.strip())
    assert preshared.preshared_file("wg0", PEER) == path
    assert Path(path).read_text(encoding="ascii") == key
    preshared.forget_preshared("wg0", PEER)
    assert preshared.preshared_file("wg0", PEER, make=False) is None


def test_what_was_kept_for_peers_that_are_gone_is_removed_and_nothing_else() -> None:
    keys.make_link("wg0")
    other = "other" + PEER[5:]
    preshared.put_preshared("wg0", PEER, preshared.get_preshared("wg0", other))
    preshared.tidy_preshared("wg0", [other])
    assert preshared.preshared_file("wg0", PEER, make=False) is None
    assert preshared.preshared_file("wg0", other, make=False) is not None
    assert [(link, peer) for link, peer, _fingerprint in keys.observe().preshared] == [("wg0", other)]
    assert dict(keys.observe().links).keys() == {"wg0"}
    preshared.tidy_preshared("wg9", [])


def test_both_ends_of_a_pair_tell_the_same_fingerprint_and_nothing_else() -> None:
    preshared.preshared_file("wg0", "other" + PEER[5:])
    key = preshared.get_preshared("wg0", PEER)
    preshared.put_preshared("wg9", PEER, key)
    (one, two) = keys.observe().preshared
    assert (one[:2], two[:2]) == (("wg0", PEER), ("wg9", PEER))
    assert one[2] == two[2]
    assert len(one[2]) == 16
    assert key not in str(keys.observe())
    assert preshared.fingerprint(key) != preshared.fingerprint(preshared.get_preshared("wg1", PEER))


def test_who_changes_his_public_key_goes_on_with_the_preshared_one() -> None:
    heir, stranger, alone = ("h" * 43 + "=", "s" * 43 + "=", "a" * 43 + "=")
    key = preshared.get_preshared("wg0", PEER)
    other = preshared.get_preshared("wg0", stranger)
    preshared.inherit_preshared("wg0", {heir: PEER, stranger: PEER, alone: "nobody's"})
    assert preshared.preshared_keys("wg0", (PEER, heir, stranger, alone)) == {PEER: key, heir: key, stranger: other}
    told = {peer: fingerprint for _link, peer, fingerprint in keys.observe().preshared}
    assert told == {PEER: told[PEER], heir: told[PEER], stranger: preshared.fingerprint(other)}


def test_what_is_no_key_is_not_kept_and_not_told() -> None:
    with pytest.raises(KernelError) as caught:
        preshared.put_preshared("wg0", PEER, "S" * 43)
    assert "S" * 43 not in str(caught.value)
    assert preshared.preshared_file("wg0", PEER, make=False) is None


def test_a_thousand_preshared_keys_are_made_at_once() -> None:
    peers = [f"{number:043d}=" for number in range(1000)]
    began = time.monotonic()
    preshared.make_preshared("wg0", peers)
    assert time.monotonic() - began < 2
    assert len(set(preshared.preshared_keys("wg0", peers).values())) == 1000


def test_no_key_is_in_the_words_of_an_error() -> None:
    secret = programs.run("test", ["wg", "genpsk"]).strip()
    for text in (f"[Peer]\nPresharedKey={secret}x", f"[Interface]\nPrivateKey=`{secret}", secret):
        with pytest.raises(KernelError) as caught:
            wg("test", "addconf", "nothing", "/dev/stdin", text=text)
        assert caught.value.__cause__ is None
        assert secret[:20] not in str(caught.value)
    assert harmless(f"Key is wrong: `{secret[:30]}' at {secret}") == "Key is wrong: `…' at …"
