# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which peer a container is by its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..model.bridge_port import Speaker
from ..model.labelled import Labelled


def named(speaker: Speaker, labels: Mapping[str, str], peers: Sequence[Labelled]) -> Speaker:
    """labels: of the container. peers: that containers of this runner may be. Who fits several is none of them, and so
    is who has only addresses that none of its labels is about."""
    found = [peer for peer in peers if peer.fits(labels)]
    if not found:
        return speaker
    if len(found) > 1:
        names = ", ".join(peer.peer for peer in found)
        return speaker._replace(says=f", whose labels fit {names} and who is none of them,")
    peer = found[0]
    refused = {address: why for address in speaker.addresses if (why := peer.refuses(address))}
    says = f" as {peer.peer}" if len(refused) < len(speaker.addresses) else f", but not as {peer.peer}"
    if refused:
        says += f" ({'; '.join(refused.values())})"
    identity = peer.identity if len(refused) < len(speaker.addresses) else 0
    return speaker._replace(identity=identity, unnamed=tuple(refused) if identity else (), says=says)
