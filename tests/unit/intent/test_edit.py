# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Changes to the clients of a domain's text: what is meant changes, and nothing else."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.intent.edit import add_client, change_client, remove_client
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import IntentError
from tests.unit.intent.domains import clients, domains, written

HEAD = """\
version: 1
servers: {r: {role: router, management: {ipv4: 10.0.0.1}}}
interfaces: {wg0: {server: r, endpoint: {host: h, port: 1}, subnets: {ipv4: 192.168.200.0/24}}}
profiles: {own: {}, other: {}}
bindings: {wg0: [own, other]}
"""
OWN = {"profile": "own", "interface": "wg0"}


def reads(text):
    return parse(text, "domain.yaml")._replace(notes=())


@st.composite
def texts(draw, domain):
    """A domain as somebody may have written it: in lines or brackets, with comments wherever they may stand."""
    style = draw(st.sampled_from([False, None, True]))
    text = written(domain, default_flow_style=style, width=10000, indent=draw(st.integers(2, 5)))
    lines = text.splitlines()
    if style is not True:
        for place in draw(st.lists(st.integers(0, len(lines) - 1), max_size=4, unique=True)):
            indented = " " * draw(st.integers(0, 6))
            note = draw(st.sampled_from(["", f"\n{indented}# note {place}: '", "  # {note}", "\n"]))
            lines[place] += note
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = draw(st.sampled_from(["", "\ufeff", "# first\n---\n"])) + "\n".join(lines)
    return (text + draw(st.sampled_from(["", "\n", "\n...\n", "\n# last\n\n"]))).replace("\n", end)


def kept(before, after):
    """Lines of ``before`` that are not in ``after``, and the other way round, each in its order."""
    old, new = before.splitlines(), after.splitlines()
    lost, won = [], []
    for tag, one, two, three, four in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            lost += old[one:two]
            won += new[three:four]
    return lost, won


@st.composite
def new_client(draw, domain):
    link = draw(st.sampled_from(sorted(domain["interfaces"])))
    profile = draw(st.sampled_from(sorted(domain["profiles"])))
    return draw(clients(9, link, domain["interfaces"][link]["subnets"], profile))


@given(st.data())
def test_one_client_more_changes_nothing_else(data):
    domain = data.draw(domains())
    text = data.draw(texts(domain))
    client = data.draw(new_client(domain))
    after = add_client(text, "znew", client)
    assert reads(after) == reads(written({**domain, "clients": {**domain.get("clients", {}), "znew": client}}))
    lost, _won = kept(text, after)
    # In brackets, or where the mapping was empty, the line itself is another one.
    assert len(lost) <= 1
    assert not lost or "{" in lost[0] or not text.endswith("\n")


@given(st.data())
def test_a_client_less_changes_nothing_else(data):
    domain = data.draw(domains())
    assume(domain.get("clients"))
    text = data.draw(texts(domain))
    name = data.draw(st.sampled_from(sorted(domain["clients"])))
    after = remove_client(text, name)
    rest = {other: client for other, client in domain["clients"].items() if other != name}
    assert reads(after) == reads(written({**domain, "clients": rest}))
    _lost, won = kept(text, after)
    assert len(won) <= 1
    assert not won or "{" in won[0]


@given(st.data())
def test_a_client_that_changes_changes_nothing_else(data):
    domain = data.draw(domains())
    assume(domain.get("clients"))
    text = data.draw(texts(domain))
    name = data.draw(st.sampled_from(sorted(domain["clients"])))
    client = domain["clients"][name]
    fields = {
        "expires": data.draw(st.sampled_from([None, "2031-01-01", "2031-01-01T00:00:00Z"])),
        "labels": data.draw(st.sampled_from([None, {}, {"team": "yes", "x": ""}])),
        "owner": data.draw(st.sampled_from([None, "Zoë: 'a' # \"b\"", "null"])),
        "preshared": data.draw(st.sampled_from([None, True, False])),
    }
    fields = {key: fields[key] for key in data.draw(st.sets(st.sampled_from(sorted(fields))))}
    after = change_client(text, name, fields)
    changed = {key: value for key, value in {**client, **fields}.items() if value is not None}
    assert reads(after) == reads(written({**domain, "clients": {**domain["clients"], name: changed}}))
    lost, won = kept(text, after)
    assert len(won) <= max(len(fields), 1)
    if all(client.get(key) == value for key, value in fields.items()):
        assert (lost, won) == ([], [])


def test_a_client_is_written_as_the_ones_before_are():
    lines = HEAD + "clients:\n    anna:\n       interface: wg0\n       profile: own\n\nstore:\n"
    assert add_client(lines.removesuffix("\nstore:\n"), "bert", {**OWN, "labels": {"a": "1"}, "owner": None}) == (
        HEAD + "clients:\n    anna:\n       interface: wg0\n       profile: own\n"
        '    bert:\n       interface: wg0\n       profile: own\n       labels: {a: "1"}\n'
    )
    bracket = HEAD + "clients:\n  anna: {interface: wg0, profile: own}  # hers\n# end\n"
    assert add_client(bracket, "bert", OWN) == (
        HEAD
        + "clients:\n  anna: {interface: wg0, profile: own}  # hers\n  bert: {interface: wg0, profile: own}\n# end\n"
    )


def test_the_first_client_begins_a_section():
    assert add_client(HEAD, "bert", OWN) == HEAD + "\nclients:\n  bert:\n    interface: wg0\n    profile: own\n"
    empty = HEAD + "clients: {}  # nobody yet\n"
    assert add_client(empty, "bert", OWN) == (
        HEAD + "clients:  # nobody yet\n  bert:\n    interface: wg0\n    profile: own\n"
    )


def test_the_last_client_leaves_an_empty_section():
    text = (
        HEAD + "clients:  # people\n  # the first\n  anna:\n    interface: wg0\n    # why\n    profile: own\n    # so\n"
    )
    assert remove_client(text, "anna") == HEAD + "clients: {}  # people\n  # the first\n"


def test_a_field_is_changed_in_its_place_and_keeps_its_comment():
    text = (
        HEAD
        + "clients:\n  anna:\n    interface: wg0\n    profile: own  # why\n    owner: Anna\n    labels:\n      a: b\n"
    )
    changes = {"profile": "other", "owner": None, "labels": {"c": "d"}, "expires": "2030-01-01"}
    assert change_client(text, "anna", changes) == (
        HEAD + "clients:\n  anna:\n    interface: wg0\n    profile: other  # why\n    labels: {c: d}\n"
        "    expires: 2030-01-01\n"
    )


def test_comments_indented_like_the_last_client_stay_with_it():
    text = (
        HEAD + "clients:\n  anna:\n    interface: wg0\n    profile: own\n    # until summer\n  # bert left\n\n# store\n"
    )
    assert add_client(text, "carl", OWN) == text.replace(
        "\n\n# store", "\n  carl:\n    interface: wg0\n    profile: own\n\n# store"
    )
    assert change_client(text, "anna", {"owner": "A"}) == text.replace("summer\n", "summer\n    owner: A\n")


REFUSED = {
    "d.yaml:7: clients.anna: is a client already; change that one, or choose another name": (
        lambda text: add_client(text, "anna", OWN, "d.yaml")
    ),
    "domain.yaml:6: clients.-x: -x begins with -; a client name is made of letters, digits, dots, dashes and "
    "underscores, a letter or digit first": lambda text: add_client(text, "-x", OWN),
    "domain.yaml:6: clients.bert.interface: is missing; give an interface name": (
        lambda text: add_client(text, "bert", {"profile": "own"})
    ),
    "domain.yaml:6: clients.bert.profil: unknown key; did you mean profile?": (
        lambda text: add_client(text, "bert", {**OWN, "profil": "own"})
    ),
    "domain.yaml:7: clients.anna.profile: all is not below `profiles`; known there: other, own": (
        lambda text: change_client(text, "anna", {"profile": "all"})
    ),
    "domain.yaml:6: clients.ana: is no client; did you mean anna?": (
        lambda text: change_client(text, "ana", {"profile": "own"})
    ),
    "domain.yaml:6: clients.zoe: is no client": lambda text: remove_client(text, "zoe"),
    "domain.yaml:6: clients.bert: is written in a way that cannot be changed from here; change it by hand": (
        lambda text: add_client(text.replace("  anna:", "  ? anna\n  :"), "bert", OWN)
    ),
    "domain.yaml:10: stoer: unknown key; did you mean store?": (
        lambda text: add_client(text + "stoer: {}\n", "bert", OWN)
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_is_refused(fault):
    with pytest.raises(IntentError) as caught:
        REFUSED[fault](HEAD + "clients:\n  anna:\n    interface: wg0\n    profile: own\n")
    assert str(caught.value) == fault


def test_labels_may_be_given_as_numbers_and_booleans():
    after = add_client(HEAD, "bert", {**OWN, "labels": {1: True, "b": 2, "c": None}})
    assert dict(reads(after).clients["bert"].labels) == {"1": "true", "b": "2"}
