# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is remembered of a host before it is changed, and what its switches go back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..model import state as kinds
from ..model.firewall import IPTABLES_NFT
from ..model.marks import CHAIN_PREFIX
from ..model.origin import (
    CHAIN,
    DIRECT_FILE,
    FILE,
    FIREWALLD_BACKUP,
    MOUNT,
    SWITCH,
    Around,
    Origin,
    zone_file,
)
from ..model.plan import HostPlan
from ..model.state import Observed, State
from ..model.sysctl import ACCEPT_RA, ALWAYS, FORWARDING, FORWARDING6, OFF, UNLESS_FORWARDING, Sysctl, leader, made_of

Switches = Mapping[str, Sysctl]
Origins = Mapping[str, Origin]
# What nftables calls what the tools are called.
_FAMILIES = {"iptables": "ip", "ip6tables": "ip6"}
_DIRECT = {"ipv4": "ip", "ipv6": "ip6"}


def switches_of(plan: HostPlan, seen: Switches) -> tuple[Sysctl, ...]:
    """A host that forwards IPv6 no longer listens to routers where accept_ra is 1, and drops the default route that it
    has from them: there it becomes 2, when forwarding is switched on. Links that come later are left to who makes them:
    a container's must not be asked where the internet is."""
    listening = tuple(
        Sysctl(name, ALWAYS)
        for switch in plan.sysctls
        if switch.name == FORWARDING6 and switch.value != OFF and seen.get(switch.name, switch).value != switch.value
        for name, found in seen.items()
        if name.endswith(ACCEPT_RA) and found.value == UNLESS_FORWARDING
    )
    return listening + plan.sysctls


def origins_of(plan: HostPlan, seen: Switches, known: Origins) -> tuple[Origin, ...]:
    """What is remembered already, and what a plan is about to change for the first time. A switch that is already as
    the plan has it counts too: after the next boot it may not be."""
    named = {switch.name for switch in plan.sysctls}
    touched = (found for name, found in seen.items() if name in named or leader(name) in named)
    fresh = (Origin(SWITCH, found.name, found.value) for found in touched)
    return (*known.values(), *(origin for origin in fresh if origin.key() not in known))


def written_into(state: State, around: Around, plan: HostPlan, known: Origins) -> tuple[Origin, ...]:
    """What of others is about to be written into for the first time. state: what is wanted. A file that has entries of
    ours already says no more what it was."""
    found = [*_files(state, around), *_chains(state, around)]
    found += [Origin(MOUNT, point, None) for point in around.unmounted if plan.policy is not None]
    return tuple(origin for origin in found if origin.key() not in known)


def _files(state: State, around: Around) -> Iterator[Origin]:
    wanted = {zone_file(entry.zone) for entry in state[kinds.ZONE].values()}
    if state[kinds.DIRECT]:
        wanted.add(DIRECT_FILE)
    for path, text in around.files:
        if path in wanted or path[: -len(FIREWALLD_BACKUP)] in wanted:
            yield Origin(FILE, path, text)


def _chains(state: State, around: Around) -> Iterator[Origin]:
    """iptables' nft back end makes tables and chains where they are missing, and leaves them. firewalld has direct
    rules made by it, too."""
    if around.chains is None:
        return
    ruleset = state[kinds.RULESET].get(IPTABLES_NFT)
    hooked = dict(_hooked(ruleset.script)) if ruleset is not None else {}
    for rule in state[kinds.DIRECT].values():
        family = _DIRECT[rule.family]
        hooked.update({f"{family} {rule.table}": None, f"{family} {rule.table} {rule.chain}": None})
    for name in hooked:
        if name not in around.chains:
            yield Origin(CHAIN, name, None)


def _hooked(script: str) -> Iterator[tuple[str, None]]:
    """Tables and chains of others that a script writes into, each once."""
    family = table = ""
    for line in script.splitlines():
        if line.startswith("# "):
            family = _FAMILIES.get(line[2:].strip(), "")
        elif line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(("-A ", "-I ")) and not line[3:].startswith(CHAIN_PREFIX):
            chain = line.split()[1]
            yield f"{family} {table}", None
            yield f"{family} {table} {chain}", None


class GivenBack:
    """What a host's switches go back to when weft leaves it. notes: what stays as it is, and why."""

    def __init__(self, observed: Observed) -> None:
        self._needed = dict(_needed(observed))
        self._seen = observed.state.get(kinds.SYSCTL, {})
        self.notes: list[str] = []
        origins = [origin for origin in observed.state.get(kinds.ORIGIN, {}).values() if origin.sort == SWITCH]
        # Those of links follow the host-wide ones.
        origins.sort(key=lambda origin: (leader(origin.name) is not None, origin.name))
        self._staying: set[str] = set()
        self.switches = tuple(self._back(origins))

    def _back(self, origins: list[Origin]) -> Iterator[Sysctl]:
        for origin in origins:
            found = self._seen.get(origin.name)
            if found is None or origin.value is None or leader(origin.name) in self._staying:
                continue  # the link is gone, or what it followed stays
            # One that has its value may lose it when the one that it follows is changed.
            reason = self._reason(origin, found) if found.value != origin.value else ""
            if reason:
                self._staying.add(origin.name)
                self.notes.append(f"{origin.name} stays {found.value}: {reason} (before weft it was {origin.value})")
                continue
            yield Sysctl(origin.name, origin.value)

    def _reason(self, origin: Origin, found: Sysctl) -> str:
        """Why it is left alone; "": it is not."""
        if found.value != made_of(origin.name):
            return "somebody else has changed it since"
        return self._needed.get(origin.name, "")


def _needed(observed: Observed) -> Iterator[tuple[str, str]]:
    """Docker switches forwarding on when it starts, and never again."""
    if observed.capabilities.docker:
        yield FORWARDING, "Docker runs here and needs it"
    if any(":" in subnet for seen in observed.foreign.networks if not seen.ours for subnet in seen.subnets):
        yield FORWARDING6, "Docker has a network here that needs it"
