# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A strict reader of Prometheus's text format, version 0.0.4 (prometheus.io, "Exposition formats"): stricter than
Prometheus, so that nothing passes here that a scrape would refuse."""

from __future__ import annotations

import re

_METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
_SAMPLE = re.compile(rf"({_METRIC})(?:\{{(.*)\}})? ([0-9]+(?:\.[0-9]+)?)")
_HELP = re.compile(rf"# HELP ({_METRIC}) ((?:[^\\]|\\\\|\\n)+)")
_TYPE = re.compile(rf"# TYPE ({_METRIC}) (counter|gauge)")
_ESCAPES = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}

Labels = tuple[tuple[str, str], ...]


def parse(text: str) -> dict[str, tuple[str, dict[Labels, float]]]:
    """{metric: (type, {labels sorted by name: value})}. Every family has HELP, TYPE and then its samples, once, all
    together."""
    assert text.endswith("\n"), "the last line has no end"
    found: dict[str, tuple[str, dict[Labels, float]]] = {}
    helped = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            match = _HELP.fullmatch(line)
            assert match, line
            helped = match[1]
            assert helped not in found, f"{helped} comes twice"
        elif line.startswith("#"):
            match = _TYPE.fullmatch(line)
            assert match, line
            assert match[1] == helped, line
            assert (match[2] == "counter") == helped.endswith("_total"), line
            found[helped] = (match[2], {})
        else:
            match = _SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == helped, f"{line}: is not with its family"
            labels = _labels(match[2])
            samples = found[helped][1]
            assert labels not in samples, f"{line}: comes twice"
            samples[labels] = float(match[3])
    return found


def _labels(text: str | None) -> Labels:
    labels: dict[str, str] = {}
    rest = text or ""
    while rest:
        match = _LABEL.match(rest)
        assert match, rest
        assert match[1] not in labels, rest
        labels[match[1]] = re.sub(r'\\[\\n"]', lambda escape: _ESCAPES[escape[0]], match[2])
        rest = rest[match.end() :]
        assert not rest or rest.startswith(","), rest
        rest = rest[1:]
    return tuple(sorted(labels.items()))
