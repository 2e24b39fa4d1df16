# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Facts on their way from a host to the controller: as JSON data and back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from ..kernel import journal
from ..model import state as kinds
from ..model.docker import DockerNetwork, SeenNetwork
from ..model.errors import PlanError
from ..model.facts import Facts
from ..model.firewall import Refusal
from ..model.link import VXLAN, ForeignLink, Link
from ..model.plan import HostPlan, from_json
from ..model.route import ForeignRoute
from ..model.rule import ForeignRule
from ..model.sending import CERTIFICATE
from ..model.state import Capabilities, Foreign, Observed, Uplink
from ..model.stored import PLAN_PATH
from ..model.transaction import Author
from ..model.wireguard import PUBLIC_KEY, UNMADE, Device, Keys, Peer


def facts_of(observed: Observed) -> Facts:
    """What of one look the controller needs; where Ansible came in is read from sshd's environment."""
    plan = _stored_plan(observed)
    living = tuple(link for link in observed.state.get(kinds.LINK, {}).values() if link.kind == VXLAN)
    names = {link.name for link in living}
    stored = tuple(link for link in plan.links if link.kind == VXLAN and link.name not in names) if plan else ()
    session = os.environ.get("SSH_CONNECTION", "").split(" ")
    peers = observed.state.get(kinds.PEER, {})
    return Facts(
        observed.capabilities,
        observed.foreign,
        living + stored,
        session[2] if len(session) > 2 else None,
        tuple(observed.state.get(kinds.DEVICE, {}).values()),
        observed.keys,
        tuple(_peers(plan, peers)),
        tuple(sorted({peer.public_key for peer in peers.values() if peer.handshake})),
        observed.now,
        journal.lineage_of(journal.entries()),
        int(session[3]) if len(session) > 3 else 22,
    )


def _stored_plan(observed: Observed) -> HostPlan | None:
    """The plan that this host would boot; one that cannot be read claims nothing."""
    file = observed.state.get(kinds.FILE, {}).get(PLAN_PATH)
    try:
        return from_json(file.text) if file else None
    except PlanError:
        return None


def _peers(plan: HostPlan | None, living: dict[str, Peer]) -> Iterator[Peer]:
    """Those of the stored plan, which have names, and then living ones that it does not know."""
    stored = {peer.key(): peer for peer in plan.peers} if plan else {}
    following = {f"{peer.link} {peer.successor}" for peer in stored.values() if peer.successor}
    yield from stored.values()
    yield from (peer for key, peer in living.items() if key not in stored and key not in following)


def to_data(facts: Facts) -> dict[str, Any]:
    """JSON data of plain lists, strings and numbers."""
    foreign = facts.foreign._asdict()
    for name in ("links", "routes", "uplinks", "refusals", "tables", "rules"):
        foreign[name] = [value._asdict() for value in foreign[name]]
    foreign["networks"] = [{**seen._asdict(), "network": seen.network._asdict()} for seen in facts.foreign.networks]
    return {
        "capabilities": facts.capabilities._asdict(),
        "foreign": foreign,
        "tunnels": [link._asdict() for link in facts.tunnels],
        "reached_at": facts.reached_at,
        "devices": [device._asdict() for device in facts.devices],
        "keys": facts.keys._asdict(),
        "peers": [peer._asdict() for peer in facts.peers],
        "shaken": facts.shaken,
        "now": facts.now,
        "last": facts.last._asdict() if facts.last else None,
        "reached_on": facts.reached_on,
    }


def from_data(data: Any) -> Facts:
    """The reverse of to_data; what comes from a host is checked for its shape. Raises PlanError."""
    try:
        foreign = dict(data["foreign"])
        foreign["links"] = _all(ForeignLink, foreign["links"])
        foreign["routes"] = _all(ForeignRoute, foreign["routes"])
        foreign["uplinks"] = _all(Uplink, foreign["uplinks"])
        foreign["refusals"] = _all(Refusal, foreign["refusals"])
        foreign["tables"] = _all(ForeignRoute, foreign["tables"])
        foreign["rules"] = _all(ForeignRule, foreign["rules"])
        foreign["networks"] = tuple(
            _one(SeenNetwork, {**seen, "network": _one(DockerNetwork, seen["network"])}) for seen in foreign["networks"]
        )
        for name in ("faults", "hooks"):
            foreign[name] = tuple((str(subject), str(message)) for subject, message in foreign[name])
        return Facts(
            _one(Capabilities, data["capabilities"]),
            _one(Foreign, foreign),
            _all(Link, data["tunnels"]),
            data["reached_at"],
            tuple(_device(item) for item in data["devices"]),
            keys_from(data["keys"]),
            tuple(_peer(item) for item in data["peers"]),
            tuple(_public(key) for key in data["shaken"]),
            int(data["now"]),
            _one(Author, data["last"]) if data.get("last") else None,
            int(data.get("reached_on", 22)),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PlanError(f"what the host said of itself cannot be read ({error!r})") from error


def keys_from(data: Any) -> Keys:
    """The public side of a host's keys. They reach other hosts and files of clients: what is no key is refused."""
    return Keys(
        tuple((str(link), _public(key)) for link, key in data["links"]),
        tuple((str(link), _public(key)) for link, key in data["following"]),
        tuple((str(client), _public(key)) for client, key in data["clients"]),
        tuple((str(link), _public(key), str(found)) for link, key, found in data["preshared"]),
        str(data["certificate"]),
        _certificate(data["audit"]),
    )


def _public(key: Any) -> str:
    if not isinstance(key, str) or not re.fullmatch(PUBLIC_KEY, key):
        raise ValueError(f"{key!r} is not a public key")
    return key


def _certificate(text: Any) -> str:
    """A host without one has the empty text."""
    if not isinstance(text, str) or (text and not re.fullmatch(CERTIFICATE, text)):
        raise ValueError(f"{text!r} is not a certificate")
    return text


def _device(item: Any) -> Device:
    """A device without a key has the empty text."""
    device: Device = _one(Device, item)
    if device.public_key:
        _public(device.public_key)
    return device


def _peer(item: Any) -> Peer:
    """A plan that was made before there was a key has UNMADE."""
    from ipaddress import ip_network  # on the controller alone; a host that only speaks is spared the time

    peer: Peer = _one(Peer, item)
    if [str(ip_network(text)) for text in peer.allowed_ips] != list(peer.allowed_ips):
        raise ValueError(f"{peer.allowed_ips!r} are not networks")
    for key in (peer.public_key, peer.successor):
        if key not in (None, UNMADE):
            _public(key)
    return peer


def _one(shape: Any, item: Any) -> Any:
    return shape(**{name: tuple(value) if isinstance(value, list) else value for name, value in item.items()})


def _all(shape: Any, items: Any) -> tuple[Any, ...]:
    return tuple(_one(shape, item) for item in items)
