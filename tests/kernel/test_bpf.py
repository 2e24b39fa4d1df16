# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The BPF programs on the kernels that Debian 12 and 13 have (6.1, 6.12), loaded by their libbpf (1.1, 1.5): they load,
are as small, and say the same of packets as here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json
from tests.integration.bpf.place import FAMILIES, KINDS, answer, maps, packet, query
from tests.integration.bpf.reading import allowed
from tests.integration.bpf.stage import OBJECTS, ROOT
from tests.integration.bpf.test_load import MOST_INSTRUCTIONS, MOST_STEPS
from tests.integration.bpf.test_reasons import POSSIBLE, REACHED
from tests.kernel.bpf_machine import boot

RELEASES = {"bookworm": ("6.1.", "libbpf.so.1.1."), "trixie": ("6.12.", "libbpf.so.1.5.")}
MODULES = ("model", "kernel")


class Shown(NamedTuple):
    """forget: what was known of flows before."""

    raw: str
    link: str
    hook: str
    forget: bool


def packets() -> list[tuple[Shown, str]]:
    """And what is to be said of each."""
    found = []
    for reason, link, family in POSSIBLE:
        if reason != "UNREADY":
            raw = bytes(REACHED[reason](link, family))
            found.append((Shown(raw.hex(), link, "ingress", True), reason))
            assert link != "web" or not allowed(raw)
    for family in FAMILIES:
        for kind in KINDS:
            question = bytes(packet("web", "db", family, query(family, kind)))
            back = bytes(packet("db", "web", family, answer(family, kind)))
            found += [
                (Shown(back.hex(), "db", "ingress", True), "NO_RULE"),
                (Shown(question.hex(), "web", "ingress", False), "PASS"),
                (Shown(back.hex(), "db", "ingress", False), "PASS"),
                (Shown(question.hex(), "db", "egress", False), "SOURCE"),
            ]
    return found


def files(shown: list[Shown]) -> dict[str, bytes]:
    found = {"weft/policy.json": to_json(maps()).encode(), "weft/packets.json": json.dumps(shown).encode()}
    tree = "ansible_collections/weft/overlay/plugins/module_utils"
    for room in MODULES:
        for path in sorted((ROOT / "plugins" / "module_utils" / room).rglob("*.py")):
            found[f"{tree}/{path.relative_to(ROOT / 'plugins' / 'module_utils')}"] = path.read_bytes()
    found["tests/integration/bpf/stage.py"] = (ROOT / "tests/integration/bpf/stage.py").read_bytes()
    for path in OBJECTS:
        found[str(Path(path).relative_to(ROOT))] = Path(path).read_bytes()
    return found


@pytest.mark.parametrize("release", RELEASES)
def test_debians_kernels_load_the_programs_and_judge_as_this_one_does(release: str) -> None:
    expected = packets()
    program = (ROOT / "tests/kernel/bpf_inside.py").read_text()
    said: list[dict[str, Any]] = boot(release, files([shown for shown, _said in expected]), program)
    begin, sizes, *rest = said
    kernel, libbpf = RELEASES[release]
    assert begin["kernel"].startswith(kernel)
    assert begin["libbpf"].startswith(libbpf)
    assert (begin["missing"], begin["mounted"]) == ([], True)
    for name, size in sizes["sizes"].items():
        assert size["verified"] < MOST_STEPS, (name, sizes)
        assert size["instructions"] < MOST_INSTRUCTIONS, (name, sizes)
    told = [one["said"] for one in rest if "number" in one]
    assert told == [wanted for _shown, wanted in expected]
    attached = [one["attached"] for one in rest if "attached" in one]
    assert attached
    assert all(found == ["weft_ingress", "weft_egress"] for found in attached)
    assert rest[-1]["records"] > 0
