# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an interface allows, against what its profiles and clients want."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .client import Client
from .collection import Named
from .interface import Interface
from .profile import FULL, SPLIT, Profile
from .schema import Check, Where

Found = Iterator[tuple[Where, str]]


def _profiles_fit(bindings: Named, interfaces: Named, profiles: Named) -> Found:
    for name, allowed in bindings.values.items():
        interface: Interface | None = interfaces.values.get(name)
        for number, bound in enumerate(allowed):
            profile: Profile | None = profiles.values.get(bound)
            if interface is None or profile is None:
                continue
            where = ("bindings", name, number)
            if profile.internet and not interface.internet:
                what = "has a full tunnel" if profile.tunnel == FULL else "reaches the internet"
                message = f"{bound} {what}, and {name} has no internet; delete it here, or give {name} internet: true"
                yield where, message
            if profile.lan and not interface.lan:
                yield where, f"{bound} reaches the lan, and {name} has none; delete it here, or give {name} its lan"


def _profiles_are_allowed(clients: Named, bindings: Named, interfaces: Named, profiles: Named) -> Found:
    values: Mapping[str, Client] = clients.values
    for name, client in values.items():
        link, profile = client.interface, client.profile
        known = link in interfaces.names and profile in profiles.names
        # Of a line of bindings that could not be read nothing can be said.
        if not known or (link in bindings.names and link not in bindings.values):
            continue
        allowed = bindings.values.get(link, ())
        if profile not in allowed:
            those = f"it allows {', '.join(allowed)}" if allowed else "it allows none"
            message = f"{profile} is not allowed on {link}: {those}; choose another one, or add it to bindings.{link}"
            yield ("clients", name, "profile"), message


def _managed_hosts_stay_reachable(clients: Named, profiles: Named) -> Found:
    for name, client in clients.values.items():
        profile: Profile | None = profiles.values.get(client.profile)
        if client.host is not None and profile is not None and profile.tunnel == FULL:
            message = (
                f"{client.profile} has a full tunnel, and Ansible could not reach {client.host} any more; "
                f"choose a profile with tunnel: {SPLIT}"
            )
            yield ("clients", name, "profile"), message


CHECKS = (
    Check(("bindings.*", "interfaces.*", "profiles.*"), _profiles_fit),
    Check(("clients.*", "bindings.*", "interfaces.*", "profiles.*"), _profiles_are_allowed),
    Check(("clients.*", "profiles.*"), _managed_hosts_stay_reachable),
)
