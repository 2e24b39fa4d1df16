# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The stored plan, for those who run all the time."""

from __future__ import annotations

import os

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.followed_plan import FollowedPlan
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import PlanError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HUB, HostPlan, to_json


def store(path, text):
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)


def test_a_plan_is_read_when_it_comes_again_when_it_changes_and_not_otherwise(tmp_path):
    path = tmp_path / "plan.json"
    followed = FollowedPlan(str(path))
    assert followed.current() is None
    assert not followed.changed()
    for host in ("hub", "hub2"):
        store(path, to_json(HostPlan(host, HUB)))
        assert followed.changed()
        assert followed.current() == HostPlan(host, HUB)
        assert not followed.changed()
        assert followed.current() is followed.current()
    path.unlink()
    assert followed.changed()
    assert followed.current() is None


def test_one_that_cannot_be_read_is_said_once_and_leaves_the_one_before(tmp_path):
    path = tmp_path / "plan.json"
    store(path, to_json(HostPlan("hub", HUB)))
    followed = FollowedPlan(str(path))
    before = followed.current()
    store(path, "{")
    with pytest.raises(PlanError):
        followed.current()
    assert followed.current() == before
