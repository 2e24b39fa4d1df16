# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What wg(8) says, without the keys in it."""

from __future__ import annotations

from base64 import b64encode

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.wireguard.tool import harmless, is_key

KEY = b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"Key is not the correct length or format: `{KEY}x'", "Key is not the correct length or format: `…'"),
        ("Line unrecognized: `PresharedKey=short'", "Line unrecognized: `…'"),
        (f"{KEY} and {KEY}", "… and …"),
        (f"trailing {KEY[:-1]}", "trailing …"),
        ("Unable to modify interface: No such device", "Unable to modify interface: No such device"),
    ],
)
def test_no_key_is_told(said: str, told: str) -> None:
    assert harmless(said) == told


def test_a_key_is_32_bytes_in_its_one_spelling() -> None:
    assert is_key(KEY)
    for wrong in (
        "",
        KEY[:-1],
        KEY[:-2] + "9=",
        KEY + "=",
        KEY.replace("A", "*", 1),
        b64encode(bytes(31)).decode(),
        " " + KEY,
    ):
        assert not is_key(wrong), wrong
