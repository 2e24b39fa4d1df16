# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""docs/audit.md says what is: every reason, every metric, and the numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.metrics import (
    COLLECTORS,
    METRICS_FILE,
    METRICS_FOLDER,
    MOST_PAIRS,
    text,
)
from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.share import ALL, SENDER
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.writer import BOUNDS
from ansible_collections.weft.overlay.plugins.module_utils.model.audit import from_line
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import REASONS
from tests.unit.edge.prometheus import parse
from tests.unit.edge.test_audit_metrics import STANDING
from tests.unit.model.test_audit import DENIED

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")


def test_every_reason_is_explained():
    assert re.findall(r"^\| ([A-Z_]+) \| (.+) \|$", PAGE, re.MULTILINE) == [
        (reason.name, reason.says) for reason in REASONS
    ]


def test_every_metric_is_there_and_no_other():
    assert set(re.findall(r"`(weft_[a-z_]+)`", PAGE)) == set(parse(text({}, STANDING)))


def test_the_line_is_one():
    (shown,) = re.findall(r"```\n(\{.*?\})\n```", PAGE, re.DOTALL)
    assert from_line(json.dumps(json.loads(shown))) == DENIED._replace(host="hub1")


def test_the_numbers_are_those():
    assert f"{SENDER.burst} at once, then one in five seconds" in PAGE
    assert SENDER.every == 5.0
    assert f"{ALL.burst} at once, then {1 / ALL.every:.0f} a second" in PAGE
    days, most, segment = BOUNDS.seconds // 86400, BOUNDS.octets >> 20, BOUNDS.segment >> 20
    assert f"{most} MiB and {days} days, the oldest {segment} MiB" in PAGE
    assert f"{MOST_PAIRS:,}".replace(",", " ") in PAGE
    assert all(f"`{place}`" in PAGE for place in (*COLLECTORS, METRICS_FOLDER, METRICS_FILE))
