# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ledger: what was handed out before, remembered beside the intent. A live hub knows the same, if it is lost."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..model.errors import Fault, IntentError
from .inventory import reachable

LEDGER_VERSION = 1


class Entry(NamedTuple):
    """What is remembered of a host. runner_id: None for the hub. mtu: of its underlay link, 0 when never seen."""

    runner_id: int | None
    underlay: str | None
    mtu: int = 0


class Ledger(NamedTuple):
    """hosts: by name. released: (runner id, host that had it), the longest free first."""

    hosts: dict[str, Entry]
    released: tuple[tuple[int, str], ...] = ()


EMPTY = Ledger({})


def to_json(ledger: Ledger) -> str:
    """Canonical JSON with a final newline: same ledger, same bytes."""
    document = {
        "version": LEDGER_VERSION,
        "hosts": {name: entry._asdict() for name, entry in ledger.hosts.items()},
        "released": [{"runner_id": number, "host": host} for number, host in ledger.released],
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str, place: str) -> Ledger:
    """Raises IntentError for a ledger that is damaged or of another version; `place` names the file."""
    try:
        document = json.loads(text)
        if document["version"] != LEDGER_VERSION:
            raise ValueError(f"version {document['version']!r} is not {LEDGER_VERSION}")
        hosts = {name: _entry(value) for name, value in document["hosts"].items()}
        released = tuple((_id(item["runner_id"]), str(item["host"])) for item in document["released"])
        _owners(hosts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"the ledger cannot be read ({error}); restore it, or remove it: a hub that runs knows the same"
        raise IntentError((Fault(place, "", message),)) from error
    return Ledger(hosts, released)


def _entry(value: dict[str, Any]) -> Entry:
    number, underlay = value["runner_id"], value["underlay"]
    if underlay is not None and reachable(underlay) != underlay:
        raise ValueError(f"{underlay!r} is not an address")
    return Entry(None if number is None else _id(number), underlay, int(value["mtu"]))


def _owners(hosts: dict[str, Entry]) -> None:
    owners: dict[int, str] = {}
    for name, entry in hosts.items():
        if entry.runner_id is not None and owners.setdefault(entry.runner_id, name) != name:
            raise ValueError(f"{owners[entry.runner_id]} and {name} both have the id {entry.runner_id}")


def _id(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{number!r} is not a runner id")
    return number
