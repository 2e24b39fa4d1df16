# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The public side of everything secret that a host keeps: keys of links and pairs, of clients, and its certificate."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.client import ClientConfig
from ..model.wireguard import Keys
from . import clients, keys, sealing


def observe(seen: Iterable[ClientConfig] | None = None) -> Keys:
    """seen: the clients' files, where somebody has read them already."""
    return keys.observe()._replace(clients=clients.public_keys(seen), certificate=sealing.kept_certificate())
