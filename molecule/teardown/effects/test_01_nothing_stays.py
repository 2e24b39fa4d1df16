"""A host that weft leaves is as it was, byte for byte; what stays there on purpose is told, and nothing else stays."""

from __future__ import annotations

import re

import pytest

from lab import tenants

ALL_GOES = ("-e", "weft_forget_store=true")
_TASK = "Take everything of weft's off the host"
# What a store is made of: docs/teardown.md.
_OF_STORE = {"weft-store", "current", "generations", "objects", "trees", "lock", "audit"}
_OTHERS = [name for name in tenants.MEMBERS if name != "nas1"]
_KEY = "wg show wg0 public-key"


@pytest.fixture(scope="module", autouse=True)
def _standing(leaving):
    leaving.built()


def test_check_mode_touches_nothing_and_says_what_is_then_done(leaving, summary, untouched):
    touched = untouched(*tenants.MEMBERS)
    foretold = leaving.left("--check", "--diff", *ALL_GOES)
    assert touched() == ""
    assert foretold.busy() == set(tenants.MEMBERS)
    done = leaving.left("--diff", *ALL_GOES)
    assert summary(done) == summary(foretold)
    shown = foretold.diffs(_TASK)
    assert shown == done.diffs(_TASK)
    assert [line for line in shown["runner1"] if line.startswith("-Docker network kohakuriver-overlay")] != []
    assert [line for line in shown["router"] if line.startswith("-left behind /var/lib/weft/keys")] != []


def test_everything_is_as_it_was_before_site_yml(leaving):
    assert leaving.differences() == ""


def test_a_second_time_nothing_changes(leaving, summary):
    again = leaving.left(*ALL_GOES)
    assert again.busy() == set()
    assert summary(again).count("nothing of weft left") == len(tenants.MEMBERS)


def test_where_everything_went_the_ledger_knows_no_key_either_and_all_of_it_is_built_again(leaving, on):
    leaving.mine.edit(lambda intent: intent["store"].update(identity=True))
    leaving.built()
    assert on("router", _KEY).strip() in on("router", "cat /var/lib/weft/keys/wg0/*.pub")


def test_keys_that_are_to_stay_are_used_again(leaving, summary, on):
    was = on("router", _KEY)
    told = summary(leaving.left("-e", "weft_keep_keys=true"))
    assert "router: kept: private keys of wg0 (/var/lib/weft/keys)" in told
    assert "goes for good: private keys" not in told
    leaving.built()
    assert on("router", _KEY) == was


class TestAStore:
    """It stays by default, and is what brings keys back."""

    def test_all_is_gone_but_the_store_and_what_opens_it(self, leaving, on):
        leaving.left()
        assert leaving.differences(*_OTHERS) == ""
        changed = [line for line in leaving.differences("nas1").splitlines() if line[:1] in {"+", "-"}]
        paths = {line[1:].split()[0] for line in changed if line.startswith("+/")}
        assert {path for path in paths if not path.startswith(("/srv/weft/", "/var/lib/weft/seal/"))} == {
            "/srv/weft",
            "/var/lib/weft",
            "/var/lib/weft/seal",
            "/var/lib/weft/stores.json",
        }
        assert {path.split("/")[3] for path in paths if path.startswith("/srv/weft/")} <= _OF_STORE
        assert [line for line in changed if not re.search(r" ?/(srv|var/lib)/weft\b", line)] == []

    def test_a_second_time_nothing_changes_and_what_is_kept_is_still_told(self, leaving, summary):
        again = leaving.left()
        assert again.busy() == set()
        assert "nas1: kept: the store: intent, ledger and files of clients (/srv/weft)" in summary(again)

    def test_site_yml_makes_no_new_keys_by_itself_where_the_store_has_the_former_ones(self, leaving, on):
        refused = leaving.mine.site()
        assert refused.code != 0
        assert "recover.yml -e target=router" in refused.output
        assert on("router", "ls -A /var/lib").split().count("weft") == 0
        run = leaving.mine.play("recover", "-e", "target=router")
        assert run.code == 0, run.output
        assert on("router", _KEY).strip() != ""
