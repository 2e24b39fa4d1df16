# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/status.md says what is: every metric, and every field of the JSON."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.weft.overlay.plugins.module_utils.edge.site.data import site_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.data import to_data
from ansible_collections.weft.overlay.plugins.module_utils.edge.status.metrics import metrics
from ansible_collections.weft.overlay.plugins.module_utils.model.site import HEALTHS
from tests.unit.edge.prometheus import parse
from tests.unit.edge.sites import site
from tests.unit.edge.test_status import WHOLE

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "status.md").read_text(encoding="utf-8")
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


def test_the_timer_of_the_docs_calls_what_there_is():
    part = PAGE[PAGE.index("## On a schedule") :]
    service, timer = re.findall(
        r"^# /etc/systemd/system/weft-drift\.(?:service|timer)\n(.+?)^```", part, re.MULTILINE | re.DOTALL
    )
    files = {"service": configparser.RawConfigParser(strict=True), "timer": configparser.RawConfigParser(strict=True)}
    for name, text in (("service", service), ("timer", timer)):
        files[name].optionxform = str
        files[name].read_string(text)
    words = files["service"]["Service"]["ExecStart"].split()
    assert (ROOT / "playbooks" / f"{words[1].rpartition('.')[2]}.yml").is_file()
    options = yaml.safe_load((ROOT / "roles/status/meta/argument_specs.yml").read_text(encoding="utf-8"))
    known = options["argument_specs"]["main"]["options"]
    assert {word.partition("=")[0] for word in words if "=" in word} <= set(known)
    assert files["timer"]["Install"]["WantedBy"] == "timers.target"
    assert "OnCalendar" in files["timer"]["Timer"]


@pytest.mark.parametrize("health", HEALTHS)
def test_every_health_is_there(health):
    assert f"`{health}`" in PAGE
