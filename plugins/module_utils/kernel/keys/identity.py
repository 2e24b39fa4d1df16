# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""All keys of a host's links as one value, on their way into a store and back. Whoever has it is that host for its
peers: it leaves memory sealed, or into KEY_ROOT."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from ...model.errors import KernelError
from ...model.wireguard import KEY_ROOT
from ..wireguard.tool import is_key, wg
from . import files as key_files

# link -> name of a file in its folder -> its text.
Identity = dict[str, dict[str, str]]

_PRIVATE = "private"
_NAME = re.compile("[A-Za-z0-9_-][A-Za-z0-9_.=-]*")


def here() -> Identity:
    """Of each link that has a private key: that, those that follow or went before, and preshared keys."""
    try:
        links = sorted(name for name in os.listdir(KEY_ROOT) if _NAME.fullmatch(name))
    except FileNotFoundError:
        return {}
    found = {link: _texts(link) for link in links}
    return {link: texts for link, texts in found.items() if _PRIVATE in texts}


def acceptable(kept: Identity, expected: Mapping[str, Iterable[str]]) -> tuple[Identity, tuple[str, ...]]:
    """What of it may be this host's, and notes about the rest. expected: {link: public keys} that are known as its own.

    Raises KernelError for any other key: whoever sealed this is not to make this host somebody else.
    """
    fit, notes = {}, []
    for link, texts in kept.items():
        if link not in expected:
            notes.append(f"{link}: the ledger knows no key of it, so the one of the store was not brought back")
            continue
        public = _public(link, texts)
        if public not in expected[link]:
            known = " or ".join(expected[link]) or "none"
            reason = f"the store has the key of {public}, the ledger knows {known}; nothing was brought back"
            raise KernelError(f"key of {link}", reason)
        fit[link] = texts
    return fit, tuple(notes)


def missing(kept: Identity) -> dict[str, str]:
    """{path: text} of what is not here. Raises KernelError for a link that has another private key here."""
    files: dict[str, str] = {}
    for link, texts in kept.items():
        private = key_files.read(f"{KEY_ROOT}/{link}/{_PRIVATE}")
        if private is not None and private != texts[_PRIVATE]:
            reason = f"another one is here; remove {KEY_ROOT}/{link} to bring back the one of the store"
            raise KernelError(f"key of {link}", reason)
        paths = {f"{KEY_ROOT}/{link}/{name}": text for name, text in texts.items()}
        files.update({path: text for path, text in paths.items() if not os.path.lexists(path)})
    return files


def _texts(link: str) -> dict[str, str]:
    folder = f"{KEY_ROOT}/{link}"
    found = {name: key_files.read(f"{folder}/{name}") for name in sorted(os.listdir(folder)) if _NAME.fullmatch(name)}
    return {name: text for name, text in found.items() if text is not None}


def _public(link: str, texts: Mapping[str, str]) -> str:
    names = (link, *texts)
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names) or not is_key(
        texts.get(_PRIVATE, "")
    ):
        raise KernelError(f"key of {link}", "what the store has of it is no key; nothing was brought back")
    return wg(f"key of {link}", "pubkey", text=texts[_PRIVATE] + "\n").strip()
