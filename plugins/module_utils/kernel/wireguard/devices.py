# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""WireGuard devices and their peers, through wg(8): the kernel's own and wireguard-go's are the same to it.

Private and preshared keys come into these functions and do not come out of them, neither in values nor in errors; but
for prepare(), whose values are for apply() alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from ...model.change import REMOVE, Change
from ...model.errors import KernelError
from ...model.link import WIREGUARD, Link
from ...model.state import DEVICE, PEER
from ...model.wireguard import KEY_ROOT, UNMADE, Device, Peer
from ..keys.preshared import inherit_preshared, make_preshared, preshared_keys
from ..keys.private import private_file
from ..netlink.numbers import is_there
from ..programs import find
from .endpoints import resolve
from .tool import wg

# What wg(8) takes for no preshared key.
_NO_KEY = "A" * 43 + "="
# Of one command line; 44 bytes each, far below what Linux takes.
_AT_ONCE = 500
_NOTHING: Mapping[str, dict[str, str]] = MappingProxyType({})


def observe(links: Iterable[Link]) -> tuple[tuple[Device, ...], tuple[Peer, ...]]:
    """The devices and peers of those of these links that are WireGuard's; without any no process is started.

    A device that does not answer has neither key nor port. Raises KernelError.
    """
    names = {link.name for link in links if link.kind == WIREGUARD}
    devices = {name: Device(name, "") for name in names}
    seen: dict[str, list[list[str]]] = {}
    # Without the tool nothing can be told; whoever then changes something is told so.
    dump = wg("WireGuard devices", "show", "all", "dump") if names and find("wg") else ""
    for line in dump.splitlines():
        name, *fields = line.split("\t")
        if name not in names:
            continue
        if len(fields) == 4:
            devices[name] = Device(name, _told(fields[1]) or "", int(fields[2]))
        else:
            seen.setdefault(name, []).append(fields)
    peers = [peer for name, found in seen.items() for peer in _peers(name, found)]
    return tuple(devices.values()), tuple(peers)


def _peers(link: str, found: list[list[str]]) -> Iterable[Peer]:
    kept = preshared_keys(link, [fields[0] for fields in found])
    for public_key, preshared, endpoint, allowed, handshake, _received, _sent, keepalive in found:
        yield Peer(
            link,
            public_key,
            allowed_ips=tuple(sorted((_told(allowed) or "").split(","))) if _told(allowed) else (),
            keepalive=0 if keepalive == "off" else int(keepalive),
            preshared=False if _told(preshared) is None else True if kept.get(public_key) == preshared else None,
            endpoint=_told(endpoint),
            handshake=int(handshake),
        )


def _told(word: str) -> str | None:
    return None if word == "(none)" else word


def apply(changes: Sequence[Change], keys: Mapping[str, dict[str, str]] = _NOTHING) -> None:
    """Carry out changes of devices and peers in the order given; one process for all peers of a link that come or
    change, and one for those that go. Sessions of peers that are not named go on. keys: what prepare() read just now.
    Raises KernelError."""
    for (kind, removal, link), group in groupby(changes, _sort):
        # What is to be removed may have gone with its link.
        run = [change for change in group if not removal or is_there(change.before.link)]
        if kind == DEVICE:
            _free_ports(run)
            for change in run:
                _set_device(change)
        elif removal:
            _remove_peers(link, run)
        elif run:
            _set_peers(link, run, keys.get(link, {}))


def prepare(changes: Sequence[Change]) -> dict[str, dict[str, str]]:
    """What apply() needs of the disk and can have before anything is changed: by link and public key, the preshared
    keys of peers that come or change; made where there are none. Nothing of this is to be told."""
    wanted: dict[str, list[str]] = {}
    for change in changes:
        if change.after and change.after.preshared and not change.after.inherits:
            wanted.setdefault(change.after.link, []).append(change.after.public_key)
    for link, public_keys in wanted.items():
        make_preshared(link, public_keys)
    return {link: preshared_keys(link, public_keys) for link, public_keys in wanted.items()}


def set_endpoint(link: str, public_key: str, endpoint: str) -> None:
    """Where a peer is by now, as an address and a port. The peer must be there: wg(8) would make one that is not."""
    wg(f"{PEER} {link} {public_key}", "set", link, "peer", public_key, "endpoint", endpoint)


def _sort(change: Change) -> tuple[str, bool, str]:
    value = change.before if change.action == REMOVE else change.after
    return change.kind, change.action == REMOVE, value.link if change.kind == PEER else ""


def _free_ports(run: list[Change]) -> None:
    """A port that goes from one device to another is given up first; meanwhile any will do."""
    wanted = {change.after.port for change in run if change.after}
    for change in run:
        before, after = change.before, change.after
        if before and after and after.port not in (0, before.port) and before.port in wanted:
            wg(f"{DEVICE} {change.key}", "set", change.key, "listen-port", "0")


def _set_device(change: Change) -> None:
    """Only what differs: a port that is set again is opened again."""
    subject = f"{DEVICE} {change.key}"
    before = change.before or Device(change.key, "")
    after = change.after or Device(change.key, "")
    words: list[str] = []
    if after.public_key != before.public_key:
        words += ["private-key", _key_file(subject, after)]
    if after.port not in (0, before.port):
        words += ["listen-port", str(after.port)]
    if words:
        wg(subject, "set", change.key, *words)


def _key_file(subject: str, device: Device) -> str:
    _made(subject, device)
    return private_file(device.link, device.public_key) if device.public_key else os.devnull


def _made(subject: str, value: Device | Peer) -> None:
    if value.public_key == UNMADE:
        raise KernelError(subject, "the plan is older than its key; compile it again")


def _set_peers(link: str, run: list[Change], known: dict[str, str]) -> None:
    """`wg addconf`: replaces the AllowedIPs of the peers named, in the order named, and keeps what is not named."""
    heirs = {change.after.public_key: change.after.inherits for change in run if change.after.inherits}
    inherit_preshared(link, heirs)
    rest = [key for key in (one.after.public_key for one in run if one.after.preshared) if key not in known]
    make_preshared(link, rest)
    kept = {**known, **preshared_keys(link, rest)}
    text = "".join(_section(change, kept) for change in run)
    wg(f"{PEER} {_several(run)}", "addconf", link, "/dev/stdin", text=text)


def _section(change: Change, kept: dict[str, str]) -> str:
    before, after = change.before, change.after
    _made(f"{PEER} {change.key}", after)
    lines = ["[Peer]", f"PublicKey={after.public_key}", f"PersistentKeepalive={after.keepalive or 'off'}"]
    if after.allowed_ips:
        lines.append(f"AllowedIPs={','.join(after.allowed_ips)}")
    if after.preshared and after.public_key not in kept:
        raise KernelError(f"{PEER} {change.key}", f"its preshared key below {KEY_ROOT}/{after.link} is damaged")
    # None: one that nobody kept, seen on a host that is to be as it was. It stays where the peer is still there.
    if after.preshared is not None:
        lines.append(f"PresharedKey={kept[after.public_key] if after.preshared else _NO_KEY}")
    if after.endpoint:
        places = _places(after.endpoint)
        # Where it is, it stays, if its endpoint is there too.
        if places and (before is None or before.endpoint not in places):
            lines.append(f"Endpoint={places[0]}")
    return "\n".join(lines) + "\n"


def _places(endpoint: str) -> tuple[str, ...]:
    """None while its name does not resolve: a host that boots before its resolver must not go without everything else
    that its plan has. The watch asks again."""
    try:
        return resolve(endpoint)
    except KernelError:
        return ()


def _remove_peers(link: str, run: list[Change]) -> None:
    for first in range(0, len(run), _AT_ONCE):
        part = run[first : first + _AT_ONCE]
        words = [word for change in part for word in ("peer", change.before.public_key, "remove")]
        wg(f"{PEER} {_several(part)}", "set", link, *words)


def _several(run: list[Change]) -> str:
    return run[0].key if len(run) == 1 else f"{run[0].key} and {len(run) - 1} more"
