# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent import document
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.node import (
    Mapping,
    Report,
    Scalar,
    Sequence,
    below,
    from_plain,
    quoted,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError, WeftError

# Pieces that YAML and our fields care about, so that random texts get past the first character.
# fmt: off
PIECES = st.sampled_from([
    "version", "overlay", "cidr", "port", "mtu", "names", "bridge", "zone", "1", "10.0.0.0/8", "010", "1e3", "null",
    "~", "true", "-", ":", "?", ",", "[", "]", "{", "}", "&", "*", "!", "|", ">", "%", "@", "`", "#", '"', "'",
    "<<", "\\", "---", "...", "%YAML", "!!int", "&a", "*a", "|+2", ">-", "\\U00110000", "\\ud800", "\t", "\r",
    "\x00", "\x85", "\u2028", "\ud800", "\ufeff", " ", "\n", "\n  ", "\n    ", "\n- ", "\n-", "\n:", ": ", ": {",
    ": [",
])
# fmt: on
YAMLISH = st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join)


def read(text):
    report = Report("domain.yaml")
    return document.read(text, report), [str(fault) for fault in report.faults()]


def is_refused_or_read(source):
    """Any other exception fails the test."""
    try:
        parse(source, "domain.yaml")
        return
    except IntentError as error:
        faults = error.faults
    assert faults
    assert all(fault.place.startswith("domain.yaml:") and fault.message for fault in faults)


@pytest.mark.fault("F56")
@given(YAMLISH)
def test_any_text_is_read_or_refused(text):
    is_refused_or_read(text)


@given(YAMLISH)
def test_any_overlay_is_read_or_refused(text):
    is_refused_or_read(f"version: 1\noverlay:\n  {text}")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    is_refused_or_read(data)


@given(YAMLISH)
def test_texts_are_refused_alike_with_and_without_libyaml(text):
    if not hasattr(yaml, "CSafeLoader"):
        pytest.skip("this PyYAML has no libyaml to compare with")
    with_libyaml = read(text)
    loader, yaml.CSafeLoader = yaml.CSafeLoader, yaml.SafeLoader
    try:
        without = read(text)
    finally:
        yaml.CSafeLoader = loader
    # The two parsers differ in what they let pass in a few corners; where both read, they read the same.
    if with_libyaml[0] is not None and without[0] is not None:
        assert with_libyaml == without


@pytest.mark.fault("F56")
@given(YAMLISH)
def test_no_fault_carries_control_characters_to_a_terminal(text):
    _node, faults = read(text)
    assert all(fault.isprintable() for fault in faults)


def test_a_value_is_known_by_the_line_of_its_key():
    node, faults = read("# first\na:\n  - b\n  -\n    c: d\ne:\n  f\n")
    assert faults == []
    assert node == Mapping(
        2,
        (
            (Scalar(2, "a"), Sequence(2, (Scalar(3, "b"), Mapping(5, ((Scalar(5, "c"), Scalar(5, "d")),))))),
            (Scalar(6, "e"), Scalar(6, "f")),
        ),
    )


def test_texts_keep_their_look():
    node, _faults = read("[010, 22:22, no, 1_000, '5', 1.10]")
    assert node.items == (
        Scalar(1, "010"),
        Scalar(1, "22:22"),
        Scalar(1, "no"),
        Scalar(1, "1_000"),
        Scalar(1, "5", plain=False),
        Scalar(1, "1.10"),
    )


def test_a_deep_document_is_as_deep_as_it_may_be():
    deepest = document.MAX_DEPTH
    assert read("[" * deepest + "]" * deepest)[1] == []
    assert "levels deep" in read("[" * (deepest + 1))[1][0]


def test_without_pyyaml_the_error_says_so(monkeypatch):
    monkeypatch.setattr(document, "yaml", None)
    with pytest.raises(WeftError, match="PyYAML"):
        parse("version: 1\n", "domain.yaml")


def test_paths_quote_what_is_no_plain_word():
    assert below(below("clients", "a b"), "key") == 'clients["a b"].key'
    assert below("clients", 'say "hi"\n') == 'clients["say \\"hi\\"\\n"]'


def test_long_texts_are_cut():
    assert len(quoted("x" * 10_000)) == 66


def test_defaults_are_read_as_if_they_were_written():
    assert from_plain({"a": [1, True, "true"]}, 7) == Mapping(
        7,
        (
            (
                Scalar(7, "a", plain=False),
                Sequence(7, (Scalar(7, "1"), Scalar(7, "true"), Scalar(7, "true", plain=False))),
            ),
        ),
    )
