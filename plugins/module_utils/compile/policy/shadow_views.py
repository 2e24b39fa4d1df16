# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""By which prefixes networks know each other's addresses: by their own, or by shadows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .prefix import Prefix


class Pair(NamedTuple):
    """own: a prefix of a network. shadow: as large, by which another one knows it."""

    own: Prefix
    shadow: Prefix


class Views(NamedTuple):
    """pairs: by (viewer, network): of all cidrs of a family, or of none. Without a pair a prefix is known as it is."""

    pairs: Mapping[tuple[str, str], tuple[Pair, ...]] = MappingProxyType({})

    def seen(self, viewer: str, network: str, prefix: Prefix) -> Prefix:
        """What a prefix of a network is for the viewer."""
        for own, shadow in self.pairs.get((viewer, network), ()):
            if own.holds(prefix):
                return prefix.moved(own, shadow)
        return prefix

    def back(self, viewer: str, network: str, seen: Prefix) -> Prefix | None:
        """The opposite; None: what the viewer sees there is not of this network."""
        pairs = [pair for pair in self.pairs.get((viewer, network), ()) if pair.own.version == seen.version]
        for own, shadow in pairs:
            if shadow.holds(seen):
                return seen.moved(shadow, own)
        return None if pairs else seen

    def own(self, network: str, prefix: Prefix) -> Prefix:
        """The same, whoever the viewer is: no two have the same shadow of anything."""
        for (_viewer, seen), pairs in self.pairs.items():
            for own, shadow in pairs if seen == network else ():
                if shadow.holds(prefix):
                    return prefix.moved(shadow, own)
        return prefix

    def meant(self, viewer: str, network: str, named: Prefix) -> Iterator[Prefix]:
        """What of a network the viewer means by a prefix."""
        pairs = [pair for pair in self.pairs.get((viewer, network), ()) if pair.own.version == named.version]
        if not pairs:
            yield named
        for own, shadow in pairs:
            if named.holds(shadow):
                yield own
            elif shadow.holds(named):
                yield named.moved(shadow, own)


# Everybody by their own addresses.
PLAIN = Views()
