# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What servers and a store tell each other: what goes in, what stays, and what comes back to whom."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.keys import Ends
from ansible_collections.weft.overlay.plugins.module_utils.compile.ledger import EMPTY, LinkEntry, to_json
from tests.integration.roles.sites import INTENT, MAKE, STORE, Exchange, Site, current, kept


def test_a_server_that_is_not_in_this_run_keeps_what_the_store_has_of_it(stored: Site) -> None:
    (stored.folder / "ledger.json").write_text(to_json(EMPTY))
    before = current(stored.nas)
    Exchange(stored).store("router1")
    after = current(stored.nas)
    assert set(after) == set(before)
    assert {path for path in after if after[path] != before[path]} == {"ledger.json"}


def test_what_was_damaged_on_the_nas_is_told_and_stored_again(stored: Site) -> None:
    tree, exchange = current(stored.nas), Exchange(stored)
    for name in ("clients/router1/phone/phone.conf", "domain.yaml"):
        stored.nas.path(f"{STORE}/trees/1/{name}").write_bytes(tree[name][:-1])
    assert len(exchange.verify()) == 2
    assert exchange.store() == (True, [])
    assert current(stored.nas) == tree
    assert exchange.verify() == []
    assert exchange.store() == (False, [])
    stored.nas.path(f"{STORE}/trees/1/identity/router1.cms").write_bytes(b"half")
    assert exchange.store() == (True, [])
    after = current(stored.nas)
    assert {name for name in after if after[name] != tree[name]} == {"identity/router1.cms"}, "sealed anew"


def test_only_the_client_that_changed_is_sent(stored: Site) -> None:
    phone = stored.router.path("/var/lib/weft/clients/phone/phone.png")
    before = stored.nas.path(f"{STORE}/objects")
    known = {path.name: path.stat().st_mtime_ns for path in before.iterdir()}
    stored.router.call(
        "from module_utils.kernel.clients import kept as clients\n"
        "from module_utils.model.change import CHANGE, Change\n"
        "one = next(one for one in clients.observe() if one.name == 'phone')\n"
        "clients.apply([Change(CHANGE, 'client', 'phone', one, one._replace(mtu=1300))])"
    )
    assert Exchange(stored).store() == (True, [])
    assert current(stored.nas)["clients/router1/phone/phone.png"] == phone.read_bytes()
    fresh = {path.name: path.stat().st_mtime_ns for path in before.iterdir()}
    assert {name: fresh[name] for name in known} == known
    assert len(fresh) == len(known) + 3


def test_a_damaged_file_of_a_client_does_not_replace_the_good_one_of_the_store(stored: Site) -> None:
    before = current(stored.nas)
    stored.router.path("/var/lib/weft/clients/phone/phone.conf").write_bytes(b"half")
    assert Exchange(stored).store() == (False, ["the files of phone are damaged and were not stored"])
    assert current(stored.nas) == before


def test_a_client_that_was_revoked_goes_from_the_newest_generation(stored: Site) -> None:
    stored.router.run("rm", "-r", "/var/lib/weft/clients/phone")
    assert Exchange(stored).store() == (True, [])
    assert not [path for path in current(stored.nas) if "phone" in path]


def test_a_server_without_interfaces_goes_from_the_newest_generation(stored: Site) -> None:
    text = (stored.folder / "domain.yaml").read_text()
    kept_lines = [line for line in text.splitlines() if "wg1: {server" not in line and "desk" not in line]
    (stored.folder / "domain.yaml").write_text("\n".join(kept_lines).replace(", wg1: [home]", "") + "\n")
    Exchange(stored).store()
    assert not [path for path in current(stored.nas) if path.startswith(("clients/nas1", "identity/nas1"))]


def test_keys_are_no_longer_kept_once_the_intent_says_so_and_clients_files_come_back_alone(stored: Site) -> None:
    (stored.folder / "domain.yaml").write_text(INTENT % "false")
    Exchange(stored).store()
    assert not [path for path in current(stored.nas) if path.startswith("identity")]
    before = stored.router.files("/var/lib/weft/clients")
    stored.router.wipe()
    restored = Exchange(stored).recover("router1")
    assert (restored["links"], restored["clients"]) == ([], ["laptop", "phone"])
    assert stored.router.files("/var/lib/weft/clients") == before
    assert not stored.router.path("/var/lib/weft/keys").exists()


def test_what_is_there_is_left_as_it_is(stored: Site) -> None:
    stored.router.run("rm", "-r", "/var/lib/weft/clients/phone")
    stored.router.path("/var/lib/weft/clients/laptop/laptop.png").unlink()
    before = kept(stored.router)
    restored = Exchange(stored).recover("router1")
    assert (restored["links"], restored["clients"]) == ([], ["phone"])
    after = kept(stored.router)
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {f"phone/phone.{end}" for end in ("conf", "nmconnection", "png")}


def test_a_key_that_the_ledger_does_not_know_is_refused_and_nothing_comes_back(stored: Site) -> None:
    other = stored.nas.call("from module_utils.kernel.keys import private as keys\nanswer = keys.make_link('wg9')")
    ledger = EMPTY._replace(interfaces={"wg0": LinkEntry("router1", Ends(other))})
    (stored.folder / "ledger.json").write_text(to_json(ledger))
    stored.router.wipe()
    with pytest.raises(AssertionError, match=f"the ledger knows {other.replace('+', '.')}; nothing was brought back"):
        Exchange(stored).recover("router1")
    assert set(stored.router.files("/var/lib/weft")) == {"seal/seal.pem"}


def test_a_key_of_which_the_ledger_knows_nothing_does_not_come_back(stored: Site) -> None:
    (stored.folder / "ledger.json").write_text(to_json(EMPTY))
    stored.router.wipe()
    restored = Exchange(stored).recover("router1")
    assert (restored["links"], restored["clients"]) == ([], ["laptop", "phone"])
    assert restored["notes"] == ["wg0: the ledger knows no key of it, so the one of the store was not brought back"]


def test_another_key_that_is_in_use_already_is_not_replaced(stored: Site) -> None:
    stored.router.wipe()
    stored.router.call(MAKE, {"link": "wg0", "clients": []})
    with pytest.raises(AssertionError, match=r"another one is here; remove /var/lib/weft/keys/wg0 to bring back"):
        Exchange(stored).recover("router1")


def test_an_older_generation_can_be_brought_back_with_the_keys_that_its_own_ledger_knows(stored: Site) -> None:
    before = kept(stored.router)
    stored.router.wipe()
    other, _clients = stored.router.call(MAKE, {"link": "wg0", "clients": ["phone"]})
    ledger = EMPTY._replace(interfaces={"wg0": LinkEntry("router1", Ends(other))})
    (stored.folder / "ledger.json").write_text(to_json(ledger))
    Exchange(stored).store()
    stored.router.wipe()
    Exchange(stored).recover("router1", generation=1)
    assert kept(stored.router) == before


def test_what_the_store_has_of_one_server_is_sealed_for_that_server_alone(stored: Site) -> None:
    code = "from module_utils.kernel.keys.sealing import open_\nanswer = open_(data).decode()"
    sealed = current(stored.nas)["identity/router1.cms"].decode()
    assert "private" in stored.nas.call(code, sealed)
    with pytest.raises(AssertionError, match="it cannot be opened here"):
        stored.router.call(code, sealed)
