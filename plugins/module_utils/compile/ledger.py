# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ledger: what was handed out before, remembered beside the intent. Living hubs and servers know the same, if it is
lost."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..model.errors import Fault, IntentError
from ..model.sending import CERTIFICATE
from ..model.version import fault, newer
from .inventory import reachable
from .keys import Ends, public_key
from .lineage import Lineage
from .policy import ledger as policies

LEDGER_VERSION = 1


class Entry(NamedTuple):
    """What is remembered of a host. runner_id: None for the hub. mtu: of its underlay link, 0 when never seen."""

    runner_id: int | None
    underlay: str | None
    mtu: int = 0


class ClientEntry(NamedTuple):
    """What is remembered of a client. addresses: bare, IPv4 first. mtu: of the underlay of one that is a managed host,
    0 when never seen. preshared: whether it and the server have the same preshared key, both being managed hosts."""

    addresses: tuple[str, ...]
    ends: Ends = Ends()
    mtu: int = 0
    preshared: bool = False


class LinkEntry(NamedTuple):
    """What is remembered of a WireGuard interface. server: the host that has it, "": none has any more. ends: the
    server's public keys. mtu: of its underlay, 0 when never seen. clients: by name. released: (address, client that had
    it), the longest free first."""

    server: str = ""
    ends: Ends = Ends()
    mtu: int = 0
    clients: Mapping[str, ClientEntry] = MappingProxyType({})
    released: tuple[tuple[str, str], ...] = ()


class Ledger(NamedTuple):
    """hosts: by name. released: (runner id, host that had it), the longest free first. interfaces: by name. carrier: of
    the WireGuard link that the overlay's tunnels run in. policy: numbers of networks, identities, tags and
    interfaces. audit: host → certificate that it sends or collects denials with. lineage: which intent this is."""

    hosts: dict[str, Entry]
    released: tuple[tuple[int, str], ...] = ()
    interfaces: Mapping[str, LinkEntry] = MappingProxyType({})
    carrier: LinkEntry = LinkEntry()
    policy: policies.Remembered = policies.NOTHING
    audit: Mapping[str, str] = MappingProxyType({})
    lineage: Lineage = Lineage()


EMPTY = Ledger({})


def to_json(ledger: Ledger) -> str:
    """Canonical JSON with a final newline: same ledger, same bytes."""
    document: dict[str, Any] = {
        "version": LEDGER_VERSION,
        "hosts": {name: entry._asdict() for name, entry in ledger.hosts.items()},
        "released": [{"runner_id": number, "host": host} for number, host in ledger.released],
        "interfaces": {name: _document(entry) for name, entry in ledger.interfaces.items()},
        "carrier": _document(ledger.carrier),
    }
    if ledger.policy != policies.NOTHING:
        document["policy"] = policies.whole_document(ledger.policy)
    if ledger.audit:
        document["audit"] = dict(ledger.audit)
    if ledger.lineage != Lineage():
        document["lineage"] = ledger.lineage._asdict()
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def without_keys(ledger: Ledger, hosts: Collection[str]) -> Ledger:
    """As if these hosts, and the clients whose keys they made, had never had any; numbers and addresses stay."""
    interfaces = {
        name: _keyless(entry) if entry.server in hosts else entry for name, entry in ledger.interfaces.items()
    }
    carrier = _keyless(ledger.carrier) if ledger.carrier.server in hosts else ledger.carrier
    audit = {host: certificate for host, certificate in ledger.audit.items() if host not in hosts}
    return ledger._replace(interfaces=interfaces, carrier=carrier, audit=audit)


def _keyless(entry: LinkEntry) -> LinkEntry:
    clients = {name: client._replace(ends=Ends(), preshared=False) for name, client in entry.clients.items()}
    return entry._replace(ends=Ends(), clients=clients)


def _document(entry: LinkEntry) -> dict[str, Any]:
    clients = {name: {**client._asdict(), "ends": client.ends._asdict()} for name, client in entry.clients.items()}
    released = [{"address": address, "client": client} for address, client in entry.released]
    return {**entry._asdict(), "ends": entry.ends._asdict(), "clients": clients, "released": released}


def from_json(text: str, place: str) -> Ledger:
    """Raises IntentError for a ledger that is damaged or of another version; `place` names the file."""
    try:
        document = json.loads(text)
        if later := newer(document["version"], LEDGER_VERSION):
            raise IntentError((Fault(place, "", f"the ledger has {later}"),))
        if wrong := fault(document["version"], LEDGER_VERSION):
            raise ValueError(wrong)
        hosts = {name: _entry(value) for name, value in document["hosts"].items()}
        released = tuple((_id(item["runner_id"]), str(item["host"])) for item in document["released"])
        _owners({name: entry.runner_id for name, entry in hosts.items()})
        # Older ledgers know of no WireGuard.
        interfaces = {name: _link(value) for name, value in document.get("interfaces", {}).items()}
        carrier = _link(document["carrier"]) if "carrier" in document else LinkEntry()
        policy = policies.from_whole_document(document["policy"]) if "policy" in document else policies.NOTHING
        audit = {name: _certificate(text) for name, text in document.get("audit", {}).items()}
        lineage = _lineage(document["lineage"]) if "lineage" in document else Lineage()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = (
            f"the ledger cannot be read ({error}); restore it, or remove it: hubs and servers that run know the same"
        )
        raise IntentError((Fault(place, "", message),)) from error
    return Ledger(hosts, released, interfaces, carrier, policy, audit, lineage)


def _lineage(value: dict[str, Any]) -> Lineage:
    return Lineage(str(value["name"]), int(value["revision"]), str(value["plans"]))


def _entry(value: dict[str, Any]) -> Entry:
    number, underlay = value["runner_id"], value["underlay"]
    if underlay is not None:
        _address(underlay)
    return Entry(None if number is None else _id(number), underlay, int(value["mtu"]))


def _link(value: dict[str, Any]) -> LinkEntry:
    clients = {name: _client(client) for name, client in value["clients"].items()}
    for place in (0, 1):
        _owners({name: client.addresses[place] for name, client in clients.items() if len(client.addresses) > place})
    released = tuple((_address(item["address"]), str(item["client"])) for item in value["released"])
    return LinkEntry(str(value["server"]), _ends(value["ends"]), int(value["mtu"]), clients, released)


def _client(value: dict[str, Any]) -> ClientEntry:
    addresses = tuple(_address(address) for address in value["addresses"])
    return ClientEntry(addresses, _ends(value["ends"]), int(value["mtu"]), bool(value["preshared"]))


def _ends(value: dict[str, Any]) -> Ends:
    return Ends(*(None if value[name] is None else public_key(value[name]) for name in Ends._fields))


def _owners(numbers: Mapping[str, Any]) -> None:
    """Nothing may be two hosts' or clients' at once."""
    owners: dict[Any, str] = {}
    for name, number in numbers.items():
        if number is not None and owners.setdefault(number, name) != name:
            what = number if isinstance(number, str) else f"the id {number}"
            raise ValueError(f"{owners[number]} and {name} both have {what}")


def _address(text: Any) -> str:
    if text is None or reachable(text) != text:
        raise ValueError(f"{text!r} is not an address")
    return str(text)


def _certificate(text: Any) -> str:
    if not isinstance(text, str) or not re.fullmatch(CERTIFICATE, text):
        raise ValueError(f"{text!r} is not a certificate")
    return text


def _id(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ValueError(f"{number!r} is not a runner id")
    return number
