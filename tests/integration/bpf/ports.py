# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The place of place.py, where on every link only those addresses speak that are bound to it."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bind
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND, Attachment, PolicyMaps
from tests.integration.bpf.place import ADDRESSES, ATTACHMENTS, FIRST, answer, maps, packet, udp
from tests.integration.bpf.stage import Stage


def tied() -> PolicyMaps:
    """`bare` is a second port of web's bridge."""
    attachments = (*maps().attachments, Attachment("bare", ATTACHMENTS["web"], FIRST, 0))
    return maps()._replace(attachments=tuple(found._replace(flags=found.flags | BOUND) for found in attachments))


def grant(stage: Stage, name: str, identity: int = 0, link: str = "") -> None:
    """Binds both addresses of somebody."""
    for single in ADDRESSES[name]:
        bind(stage.folder, stage.devices[link or name], single, identity)


def warm(stage: Stage, family: str) -> None:
    """A flow from web to db of which both directions are known."""
    for _turn in range(3):
        assert stage.show(packet("web", "db", family, udp()), "web").said == "PASS"
        assert stage.show(packet("db", "web", family, answer(family, "udp")), "db").said == "PASS"
