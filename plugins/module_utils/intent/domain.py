# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain: the whole intent, in one file."""

from __future__ import annotations

from typing import NamedTuple

from ..model.errors import IntentError
from . import document
from .node import Mapping, Node, Report, Scalar, shown
from .overlay import OVERLAY, Overlay
from .scalar import Integer
from .schema import Field, Record

VERSION = 1


class Intent(NamedTuple):
    """What should exist. ``overlay``: None: the domain has none."""

    version: int
    overlay: Overlay | None


DOMAIN = Record(
    build=Intent,
    fields={
        "version": Field(
            Integer(VERSION, VERSION, "a known version"), "The version of this format; this one is 1.", required=True
        ),
        "overlay": Field(OVERLAY, "The VXLAN overlay. `overlay: {}` is one with every default.", absent="no overlay"),
    },
)


def parse(source: str | bytes, file: str) -> Intent:
    """The intent in ``source``, the content of ``file`` (its name in faults). Raises IntentError with every fault."""
    report = Report(file)
    node = document.read(source, report)
    intent = None
    if node is not None and not _is_newer(node, report):
        intent = DOMAIN.read(node, "", report)
    faults = report.faults()
    if faults or intent is None:
        raise IntentError(faults)
    return intent


def _is_newer(node: Node, report: Report) -> bool:
    """Whether the file is of a later version; then its other keys are not judged: they may well be right there."""
    version = node.get("version") if isinstance(node, Mapping) else None
    if not (isinstance(version, Scalar) and version.plain and version.text.isdecimal() and version.text.isascii()):
        return False
    newer = not version.text.startswith("0") and (len(version.text) > 9 or int(version.text) > VERSION)
    if newer:
        message = f"{shown(version.text)} is newer than this weft.overlay reads ({VERSION}); install a newer collection"
        report.add(version.line, "version", message)
    return newer
