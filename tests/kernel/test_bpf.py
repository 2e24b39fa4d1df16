# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The BPF programs on the kernels that Debian 12 and 13 have (6.1, 6.12), loaded by their libbpf (1.1, 1.5): they load,
are as small, and say the same of packets as here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, TCX
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import to_json
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import KINDS, answer, maps, packet, query
from tests.integration.bpf.reading import allowed
from tests.integration.bpf.stage import OBJECTS, ROOT
from tests.integration.bpf.test_load import MOST_INSTRUCTIONS, MOST_STEPS
from tests.integration.bpf.test_ports import port_maps
from tests.integration.bpf.test_reasons import POSSIBLE, REACHED
from tests.kernel.bpf_machine import boot

# The kernel, libbpf, and by which way programs get to their hooks.
RELEASES = {"bookworm": ("6.1.", "libbpf.so.1.1.", CLSACT), "trixie": ("6.12.", "libbpf.so.1.5.", TCX)}
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
        # These two want another policy.
        if reason not in ("UNREADY", "SHADOW"):
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


def files(policy: PolicyMaps, *more: str) -> dict[str, bytes]:
    """What a machine has of this tree. more: further files of it, by path."""
    found = {"weft/policy.json": to_json(policy).encode()}
    tree = "ansible_collections/weft/overlay/plugins/module_utils"
    for room in MODULES:
        for path in sorted((ROOT / "plugins" / "module_utils" / room).rglob("*.py")):
            found[f"{tree}/{path.relative_to(ROOT / 'plugins' / 'module_utils')}"] = path.read_bytes()
    for path in ("tests/integration/bpf/stage.py", *more):
        found[path] = (ROOT / path).read_bytes()
    for object_ in map(Path, OBJECTS):
        found[str(object_.relative_to(ROOT))] = object_.read_bytes()
    return found


@pytest.mark.fault("F37")
@pytest.mark.parametrize("release", RELEASES)
def test_debians_kernels_load_the_programs_and_judge_as_this_one_does(release: str) -> None:
    expected = packets()
    program = (ROOT / "tests/kernel/bpf_inside.py").read_text()
    shown = {"weft/packets.json": json.dumps([packet for packet, _said in expected]).encode()}
    said: list[dict[str, Any]] = boot(release, {**files(maps()), **shown}, program)
    begin, sizes, *rest = said
    kernel, libbpf, way = RELEASES[release]
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
    assert all(found == [["weft_ingress", way], ["weft_egress", way]] for found in attached)
    assert [one["released"] for one in rest if "released" in one] == [[[], []]] * len(attached)
    assert rest[-1]["records"] > 0


@pytest.mark.parametrize("release", RELEASES)
def test_a_port_that_vlans_keep_closed_passes_nothing_until_it_is_opened(release: str) -> None:
    """Neither to other ports nor to the host; and then what its binding and the policy allow. Here, because not every
    kernel that tests run on has VLANs on bridges; Debian's have."""
    here = "tests/integration/bpf"
    tree = files(port_maps(), f"{here}/hosts.py", f"{here}/names.py", "tests/kernel/bpf_inside.py")
    said = boot(release, tree, (ROOT / "tests/kernel/ports_inside.py").read_text())
    nothing, allowed = (dict.fromkeys(FAMILIES, reached) for reached in ([False] * 3, [True, False, True]))
    told = [(one["step"], one["reached"]) for one in said]
    assert told == [
        ("closed, not policed", nothing),
        ("closed, policed and bound", nothing),
        ("open", allowed),
        ("open, not bound", nothing),
        ("closed again", nothing),
    ]
    reasons = {one["step"]: one["reasons"] for one in said}
    assert reasons["closed, not policed"] == []
    assert reasons["open"] == ["NO_RULE"]
    assert set(reasons["open, not bound"]) <= {"SOURCE", "NEIGHBOUR"}
    assert reasons["open, not bound"]
