# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The command that somebody runs next, from the one that they ran. Of extra variables only weft's own are said again:
whatever else was given there may be a secret."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

# These are said once: the next run does not need them, or is to be asked anew.
_ONCE = ("weft_force", "weft_allow_empty", "weft_new_keys", "weft_confirm_seconds")
# Playbooks that run site.yml in the end. What they do besides is done.
_OVER = ("client", "plan", "recover", "rotate")
_FLAGS = (
    ("become", "--become"),
    ("ask_vault_pass", "--ask-vault-pass"),
    ("become_ask_pass", "--ask-become-pass"),
    ("connection_password", "--ask-pass"),
)
_VALUES = (("remote_user", "--user"), ("private_key_file", "--private-key"))


def command(given: Mapping[str, Any], playbook: str = "", extra: tuple[str, ...] = (), folder: str = "") -> str:
    """A line for a shell. given: Ansible's options. playbook: of the collection, instead of the one that was run.
    extra: variables to add. folder: what paths are said relative to."""
    words = ["ansible-playbook", _playbook(_ran(given), playbook)]
    for source in given.get("inventory") or ():
        words += ["-i", source if "," in source else _near(source, folder)]
    words += [flag for name, flag in _FLAGS if given.get(name)]
    for name, flag in _VALUES:
        words += [flag, str(given[name])] if given.get(name) else []
    for path in given.get("vault_password_files") or ():
        words += ["--vault-password-file", _near(str(path), folder)]
    for text in (*_variables(given), *extra):
        words += ["-e", text]
    return shlex.join(words)


def _ran(given: Mapping[str, Any]) -> str:
    return str(next(iter(given.get("args") or ()), "site.yml"))


def _playbook(ran: str, wanted: str) -> str:
    """Beside the one that was run, called as that was."""
    name = os.path.basename(ran)
    own = name.removesuffix(".yml").rpartition(".")[2]
    wanted = wanted or ("site" if own in _OVER else own)
    if own == wanted:
        return ran
    if name.startswith("weft.overlay."):
        return f"weft.overlay.{wanted}"
    return os.path.join(os.path.dirname(ran), f"{wanted}.yml")


def _near(path: str, folder: str) -> str:
    if not folder or not os.path.isabs(path):
        return path
    near = os.path.relpath(path, folder)
    return path if near.startswith("..") else near


def _variables(given: Mapping[str, Any]) -> Iterator[str]:
    for text in given.get("extra_vars") or ():
        if text.startswith("@"):
            yield text
        else:
            yield from (f"{name}={value}" for name, value in _pairs(text) if _said_again(name))


def _said_again(name: str) -> bool:
    return name.startswith("weft_") and name not in _ONCE


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """`a=1 b=2`, or an object of JSON; of anything else nothing is said."""
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
        except ValueError:
            return
        yield from ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in document.items())
        return
    try:
        words = shlex.split(text)
    except ValueError:
        return
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, value
