"""Bring the lab up, take it down, and change single hosts while it is up."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

from . import cache, cgroup, disk, inventory, kernel, leftovers, machine, network, ssh, supervisor
from . import host as hosts
from .host import Host
from .paths import HOSTS, RUN
from .shell import LabError, say


def _together(work: Callable[[Host], None], items: Iterable[Host]) -> None:
    """Do the same to several hosts at once; raises LabError with every host's fault."""
    faults = []
    with ThreadPoolExecutor(max_workers=8) as pool:
        for job in [pool.submit(work, item) for item in items]:
            try:
                job.result()
            except LabError as exc:
                faults.append(str(exc))
    if faults:
        raise LabError("\n".join(faults))


def _create(host: Host) -> None:
    """A new host with a fresh disk. It is saved last: a host that is saved is whole."""
    if host.name not in [known.name for known in hosts.saved()]:
        machine.stop(host, graceful=False)
        disk.wipe(host.name)
        disk.prepare(host)
        hosts.save(host)


def _publish() -> None:
    ssh.write_config()
    inventory.write_live()


def _wanted(runners: int, flavours: dict[str, str]) -> list[Host]:
    wanted = [*hosts.FIXED, *(hosts.runner(number) for number in range(1, runners + 1))]
    unknown = flavours.keys() - {host.name for host in wanted}
    if unknown:
        raise LabError(f"--firewall names {', '.join(sorted(unknown))}, which this lab does not have")
    for host in hosts.saved():
        if flavours.get(host.name, host.firewall) != host.firewall:
            raise LabError(
                f"{host.name} is there already with {host.firewall}: "
                f"python3 -m lab set-firewall {host.name} {flavours[host.name]} (its disk is made anew)"
            )
    return [hosts.with_firewall(host, flavours.get(host.name, host.firewall)) for host in wanted]


def up(runners: int, flavours: dict[str, str]) -> None:
    """Make what is missing and start what is off; a lab that is up already is left as it is."""
    began = time.monotonic()
    wanted = _wanted(runners, flavours)
    cache.install_prerequisites()
    os.makedirs(HOSTS, exist_ok=True)
    if not hosts.saved():
        inventory.forget()
    cache.ensure_rootfs()
    kernel.ensure()
    network.ensure()
    ssh.ensure_keys()
    say(f"disks and start: {', '.join(host.name for host in wanted)}")
    _together(_create, wanted)
    _publish()
    everybody = hosts.saved()
    _together(machine.start, everybody)
    say("waiting for ssh on every host, and for Docker with its test image on the runners")
    _together(machine.wait_ready, everybody)
    say(f"lab is up: {len(everybody)} hosts in {time.monotonic() - began:.1f} s")


def _end(host: Host) -> None:
    # Nobody reads these disks again: a short chance to end in order, then the plug.
    machine.stop(host, graceful=True, timeout=3)
    disk.unmount(host.name)


def _disk_names() -> list[str]:
    return os.listdir(HOSTS) if os.path.isdir(HOSTS) else []


def down() -> None:
    """Remove everything that `up` made, also of a lab that is broken or half made. Raises LabError for what stays."""
    names = _disk_names()
    _together(_end, [hosts.by_name(name) for name in names])
    if os.path.isdir(ssh.MUX):
        for host in hosts.saved():
            ssh.forget_connection(host)
    network.remove()
    kernel.restore()
    cgroup.remove()
    if os.path.isdir(RUN):
        shutil.rmtree(RUN)
    left = leftovers.find()
    if left:
        raise LabError("still there:\n" + "\n".join(left))
    say("lab is down, nothing is left")


def _need_up() -> None:
    if not hosts.saved():
        raise LabError("the lab is down: python3 -m lab up")


def add(name: str, firewall: str | None) -> None:
    _need_up()
    host = hosts.by_name(name)
    if firewall:
        host = hosts.with_firewall(host, firewall)
    _create(host)
    _publish()
    machine.start(hosts.load(name))
    machine.wait_ready(hosts.load(name))
    say(f"{name} is up at {hosts.load(name).address}")


def remove(name: str) -> None:
    _end(hosts.load(name))
    hosts.forget(name)
    _publish()


def wipe(host: Host) -> None:
    """The same host with a fresh disk, as after a new installation."""
    machine.stop(host, graceful=False)
    disk.wipe(host.name)
    disk.prepare(host)
    hosts.save(host)
    machine.start(host)
    machine.wait_ready(host)


def move(name: str, address: str, at_reboot: bool) -> None:
    """Give a host another underlay address, now or from its next boot on."""
    before = hosts.load(name)
    host = hosts.with_address(before, address)
    disk.write_network(host)
    hosts.save(host)
    _publish()
    ssh.forget_connection(before)
    if not at_reboot and supervisor.pid(name) is not None:
        done = machine.execute(name, "systemctl", "restart", "lab-network")
        if done.returncode != 0:
            raise LabError(f"{name}: {done.stderr}")
