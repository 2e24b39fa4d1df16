# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""firewalld's files: read without asking firewalld, as a call costs 14 ms; written whole, so that none is ever half."""

from __future__ import annotations

import os
import re

from ...model.errors import KernelError
from ...model.firewall import DirectRule
from ...model.marks import FIREWALLD_CLAIM, RULE_COMMENT
from ...model.origin import DIRECT_FILE, FIREWALLD_BACKUP, FIREWALLD_ETC, zone_file
from .. import atomic

ETC = FIREWALLD_ETC
# What the distribution ships; a file of the same name below ETC takes its place.
USR = "/usr/lib/firewalld"

_INTERFACE = re.compile(r"""<interface\s+name=["']([^"']+)["']""")
_CLAIM = re.compile(re.escape(FIREWALLD_CLAIM) + r"([^<]*)<")
_RULE = re.compile(r"<rule\s([^>]*)>([^<]*)</rule>")
_ATTRIBUTE = re.compile(r"""(\w+)=["']([^"']*)["']""")


def policies(names: tuple[str, ...]) -> dict[str, str]:
    """The XML of those policies that there are."""
    found = {name: _read(f"{ETC}/policies/{name}.xml") for name in names}
    return {name: xml for name, xml in found.items() if xml is not None}


def write_policy(name: str, xml: str | None) -> None:
    """Write a policy's file as a whole, or remove it (None)."""
    folder, path = f"{ETC}/policies", f"{ETC}/policies/{name}.xml"
    try:
        if xml is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        os.makedirs(folder, mode=0o750, exist_ok=True)
        # firewalld reads only what ends in .xml
        draft = f"{path}.weft-new"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(xml)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise KernelError(f"firewalld policy {name}", str(error)) from error


def claims(xml: str) -> frozenset[str]:
    """Interface names that the description of our policy says are ours in a zone."""
    found = _CLAIM.search(xml)
    return frozenset(found.group(1).split()) if found else frozenset()


def zones() -> tuple[str, ...]:
    """Names of the zones there are."""
    return tuple(sorted(_zone_files()))


def zone_interfaces() -> dict[str, tuple[str, ...]]:
    """Zone -> interface names in its permanent configuration."""
    return {zone: tuple(_INTERFACE.findall(_read(path) or "")) for zone, path in _zone_files().items()}


def _zone_files() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in (f"{USR}/zones", f"{ETC}/zones"):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found.update({name[:-4]: f"{folder}/{name}" for name in names if name.endswith(".xml")})
    return found


def originals() -> tuple[tuple[str, str | None], ...]:
    """The files that firewalld writes our entries into, and what it keeps of each beside it: path and text, None: not
    there. Without firewalld there are none."""
    if not os.path.isdir(ETC):
        return ()
    paths = [DIRECT_FILE, *map(zone_file, zones())]
    return tuple((name, _read(name)) for path in paths for name in (path, path + FIREWALLD_BACKUP))


def give_back(path: str, before: str | None) -> None:
    """Make a file what it was, if it says nothing else; where somebody wrote into it since, it stays. firewalld sees to
    it by itself that its files change. Raises KernelError."""
    now = _read(path)
    if now is None or now == before:
        return
    try:
        if path.endswith(FIREWALLD_BACKUP) or _says(now) == _says(before if before is not None else _shipped(path)):
            if before is None:
                os.unlink(path)
            else:
                atomic.write(path, before.encode(), os.stat(path).st_mode & 0o7777)
    except OSError as error:
        raise KernelError(f"file {path}", error.strerror or str(error)) from error


def _shipped(path: str) -> str:
    """What the distribution has in place of it; a file of direct rules is not shipped, and is empty."""
    return _read(path.replace(ETC, USR, 1)) or "<direct/>"


def _says(xml: str) -> object:
    """What counts in it: not how it is indented, nor in which order."""
    from xml.etree import ElementTree

    def told(element: ElementTree.Element) -> tuple[str, str, tuple[tuple[str, str], ...], tuple[object, ...]]:
        inner = tuple(sorted((told(child) for child in element), key=repr))
        return element.tag, (element.text or "").strip(), tuple(sorted(element.attrib.items())), inner

    try:
        return told(ElementTree.fromstring(xml))  # noqa: S314  # root alone writes these files
    except ElementTree.ParseError:
        return xml


def direct_rules() -> tuple[DirectRule, ...]:
    """Our rules in direct.xml, known by their comment."""
    text = _read(f"{ETC}/direct.xml") or ""
    if RULE_COMMENT not in text:
        return ()
    import shlex

    found = []
    for attributes, body in _RULE.findall(text):
        where = dict(_ATTRIBUTE.findall(attributes))
        try:
            arguments = tuple(shlex.split(_unescape(body)))
        except ValueError:
            # Not a rule that firewalld could read, so not one of ours.
            continue
        if any(argument.startswith(RULE_COMMENT) for argument in arguments):
            found.append(DirectRule(where.get("ipv", ""), where.get("table", ""), where.get("chain", ""), arguments))
    return tuple(found)


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KernelError(path, str(error)) from error


def _unescape(text: str) -> str:
    """xml.sax.saxutils has the same, and its import takes as long as the rest of this room's."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
