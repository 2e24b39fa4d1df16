# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which fields of two values of one kind tell a difference that has to be mended."""

from __future__ import annotations

from typing import Any

from ..model.link import Link
from ..model.policed import LoadedPolicy
from ..model.policy import NO_ATTACHMENT, Attachment
from ..model.route import Route
from ..model.wireguard import Device, Peer

# Fields that say how to bring a value about, or what the reader should know of it; not what it is.
_MEANS = frozenset(("script", "sources", "files", "maps", "name", "expires", "successor", "handshake", "inherits"))
# 0 in a plan: as it comes. In a client's files it is left out instead, and that is seen. "" of a policy is what nobody
# wants, but what a host may have to go back to: nobody knows what it was.
_FREE = {
    Link: frozenset(("mtu", "queue")),
    Device: frozenset(("port",)),
    LoadedPolicy: frozenset(("digest", "objects")),
}


def differing(before: Any, after: Any) -> tuple[str, ...]:
    """Names of the fields in which `before`, as observed, is not what `after` wants."""
    if isinstance(after, Attachment) and after.number == NO_ATTACHMENT:
        # It was found damaged. Nobody wants that, and on the way back what is whole stays so.
        return ()
    if isinstance(after, Route) and after.beside:
        after = after._replace(beside=getattr(before, "beside", ()))
    free = _FREE.get(type(before), frozenset())
    return tuple(
        name
        for name, old, new in zip(before._fields, before, after)
        if old != new and name not in _MEANS and not (new in (0, "") and name in free) and not _roams(before, name, new)
    )


def _roams(before: Any, name: str, wanted: str | None) -> bool:
    """Whether a peer's endpoint may be what it is: where none is wanted it comes from anywhere, and a host name may
    by now mean another address, or none as long as nobody answers for it: at boot, say. The watch asks again."""
    if name != "endpoint" or not isinstance(before, Peer):
        return False
    if wanted is None:
        return True
    host, port = _split(wanted)
    literal = ":" in host or host.replace(".", "").isdigit()
    if before.endpoint is None:
        return not literal
    seen_host, seen_port = _split(before.endpoint)
    return port == seen_port and not (literal and host != seen_host)


def _split(endpoint: str) -> tuple[str, str]:
    """`[2001:db8::1]:51820` → its host and its port."""
    host, _colon, port = endpoint.rpartition(":")
    return host.strip("[]"), port
