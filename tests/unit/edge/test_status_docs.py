# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/status.md says what is: every metric, and every field of the JSON."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.site_data import site_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.status_data import to_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.status_metrics import metrics
from ansible_collections.weft.overlay.plugins.module_utils.model.site import HEALTHS
from tests.unit.edge.prometheus import parse
from tests.unit.edge.sites import site
from tests.unit.edge.test_status import WHOLE

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "status.md").read_text(encoding="utf-8")
JSON = PAGE[PAGE.index("## JSON") : PAGE.index("## Metrics")]


def test_every_metric_is_there_and_no_other():
    assert set(re.findall(r"`(weft_[a-z_]+)`", PAGE)) == set(parse(metrics(WHOLE)))


def test_every_field_of_the_json_is_there():
    rows = dict(re.findall(r"^\| (`.+?) \| (.+) \|$", JSON, re.MULTILINE))
    assert [name for row in rows for name in re.findall(r"`([a-z_]+)`", row)] == list(
        {**dict.fromkeys(("version", "host", "role")), **to_data(WHOLE)}
    )
    data = to_data(WHOLE)
    told = {name: text for row, text in rows.items() for name in re.findall(r"`([a-z_]+)`", row)}
    for name, value in data.items():
        inner = value if isinstance(value, dict) else value[0] if isinstance(value, list) and value else {}
        for field in inner if isinstance(inner, dict) else ():
            assert f"`{field}`" in told[name], (name, field)


def test_every_field_of_the_file_of_all_hosts_is_there():
    part = PAGE[PAGE.index("## The two files") : PAGE.index("## On a schedule")]
    data = site_data(site())
    for name, value in data.items():
        inner = next(iter(value.values())) if isinstance(value, dict) else value[0] if isinstance(value, list) else {}
        for field in (name, *inner):
            assert f"`{field}`" in part, field


@pytest.mark.parametrize("health", HEALTHS)
def test_every_health_is_there(health):
    assert f"`{health}`" in PAGE
