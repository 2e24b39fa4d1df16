# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports of policed bridges that are not ours: looked at, bound, policed, opened and closed."""

from __future__ import annotations

from collections.abc import Collection
from socket import if_nameindex
from typing import Union

from ..model.bridge_port import Bind, Bindings, BridgePort, Close, Hear, Keep, Open, Police, Unbind
from ..model.policy import Attachment
from .bpf import attach, bindings, objects
from .bpf.attach import Policed
from .netlink import gates, port_macs
from .netlink.channel import Channel
from .netlink.dumps import all_links
from .netlink.links import Seen

Step = Union[Unbind, Bind, Hear, Police, Keep, Open, Close]


class BridgePorts:
    """folder: of the programs and maps, on bpffs. Raises KernelError, also where no policy was ever loaded."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def observe(self, bridges: Collection[str], own: Collection[str]) -> tuple[list[BridgePort], Bindings]:
        """Ports of these bridges, and what is bound. own: names of ports that are policed for themselves."""
        channel = Channel()
        try:
            seen = {link.number: link for link in all_links(channel)}
            opened = gates.open_links(channel)
            entries = port_macs.entries(channel)
        finally:
            channel.close()
        masters = {number: link for number, link in seen.items() if link.name in bridges}
        closing = {number for number, link in masters.items() if gates.is_gated(link)}
        ports = [link for link in seen.values() if link.master in masters and link.name not in own]
        vlans = {port.number: gates.VLAN for port in ports if port.master in closing and port.number in opened}
        judging = self._judging(ports)
        found = [
            BridgePort(
                number=port.number,
                name=port.name,
                bridge=masters[port.master].name,
                space=port.space,
                opened=port.number in opened if port.master in closing else None,
                policed=judging.get(port.number),
                macs=port_macs.shown(entries.get(port.number, []), vlans.get(port.number, 0)),
                strict=port_macs.is_strict(port),
            )
            for port in ports
        ]
        return found, bindings.bound(self._folder)

    def _judging(self, ports: list[Seen]) -> dict[int, Attachment]:
        """Of those at which the programs are that are loaded now, and know them."""
        programs = {name: program.number for name, program in objects.loaded(self._folder).items()}
        looks = attach.looks(self._folder, (port.name for port in ports))
        return {
            port.number: Attachment(port.name, *looks[port.name].policed)
            for port in ports
            if port.name in looks and looks[port.name].policed is not None and looks[port.name].is_judged_by(programs)
        }

    def forget_gone(self) -> None:
        """What judged at interfaces that are gone."""
        known = attach.known(self._folder)
        # After that: who comes in between is not taken for gone.
        for device in known.keys() - {number for number, _name in if_nameindex()}:
            attach.forget(self._folder, device)

    def take(self, step: Step) -> None:
        """Carries it out. Nothing happens where it is so already."""
        if isinstance(step, Unbind):
            bindings.unbind(self._folder, step.number, step.address)
        elif isinstance(step, Bind):
            bindings.bind(self._folder, step.number, step.address, step.identity)
        elif isinstance(step, (Hear, Police)):
            name, *policed = step.attachment
            attach.police(self._folder, name, Policed(*policed), incoming=isinstance(step, Hear))
        elif isinstance(step, Keep):
            self._keep(step)
        elif step.port.opened is not None:
            self._turn(step)

    def _keep(self, step: Keep) -> None:
        number = step.port.number
        channel = Channel()
        try:
            seen = port_macs.entries(channel).get(number, [])
            channel.carry_out(port_macs.keep(step.port.name, number, step.macs, seen))
        finally:
            channel.close()

    def _turn(self, step: Union[Open, Close]) -> None:
        port = step.port
        request = gates.open_port if isinstance(step, Open) else gates.close_port
        channel = Channel()
        try:
            channel.carry_out([request(port.name, port.number)])
        finally:
            channel.close()
