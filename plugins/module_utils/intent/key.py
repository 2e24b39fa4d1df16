# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Public keys of WireGuard."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from .scalar import MisfitError, Single

# 32 bytes are 42 characters and a last one whose two lowest bits are not part of them. wg(8) refuses a key where these
# are set; Python's decoder drops them, and so would take several texts for one key.
_PATTERN = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="

_P = 2**255 - 19
# The u-coordinates of all points of Curve25519 and its twist whose order divides 8 (https://cr.yp.to/ecdh.html): with
# one of them every handshake has the same shared secret, zero, whoever holds the private key.
_LOW_ORDER = frozenset(
    (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _P - 1,
    )
)


@dataclass(frozen=True)
class PublicKey(Single[str]):
    """A Curve25519 public key as ``wg pubkey`` writes it."""

    words: str = "a public key (44 characters of base64)"

    def parse(self, text: str) -> str:
        # The text is not repeated: it may be a private key, by mistake.
        if len(text) != 44:
            raise MisfitError(f"has {len(text)} characters; {self.words} is wanted, as wg pubkey writes it")
        if not re.fullmatch(_PATTERN, text):
            raise MisfitError("is not 32 bytes in base64; copy the key as wg pubkey writes it")
        # RFC 7748, section 5: the highest bit is ignored, and numbers from p on are taken modulo p.
        number = int.from_bytes(base64.b64decode(text), "little") % 2**255
        if number % _P in _LOW_ORDER:
            raise MisfitError("is a low-order point, which is nobody's key; give the client's own")
        return text

    def schema(self) -> dict[str, object]:
        return {"type": "string", "pattern": f"^{_PATTERN}$"}
