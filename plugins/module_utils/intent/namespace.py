# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Namespaces: groups of peers, each in one network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Namespace(NamedTuple):
    """network: name of one. labels: key → value."""

    network: str
    labels: Mapping[str, str]
