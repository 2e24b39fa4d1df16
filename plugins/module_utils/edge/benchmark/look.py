# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What of a host explains its figures: machine, versions, switches, and the links that are measured."""

from __future__ import annotations

import errno
import json
import os
import platform
from collections.abc import Mapping
from typing import Any

from ...kernel.programs import find, run
from ...measure.environment import SYSCTLS, offloads, processor, version
from ...model.errors import KernelError
from . import proc as benchmark_proc

# How each program says its version.
_VERSIONS = {"iperf3": "--version", "ping": "-V", "wg": "--version", "wireguard-go": "--version"}


def look(peers: Mapping[str, str]) -> dict[str, Any]:
    """peers: {link: public key of the peer at its other end}. Nothing is changed, and nothing of a key is kept."""
    links = {link: {**_link(link), **_underlay(link, key)} for link, key in peers.items()}
    underlays = {str(link["underlay"]) for link in links.values() if link["underlay"]}
    return {
        "kernel": f"{platform.release()} {platform.version()}",
        "machine": platform.machine(),
        "distribution": _distribution(),
        "processor": processor(_read("/proc/cpuinfo") or ""),
        "processors": len(os.sched_getaffinity(0)),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "boot": _read("/proc/sys/kernel/random/boot_id"),
        "versions": {"python": platform.python_version(), **_versions()},
        "sysctls": {name: _sysctl(name) for name in SYSCTLS},
        "links": links,
        "underlays": {device: _device(device) for device in sorted(underlays)},
    }


def _link(name: str) -> dict[str, Any]:
    """A WireGuard link; threads: processors that wireguard-go may use, None: all, or the kernel does its work."""
    process = benchmark_proc.find(name)
    threads = benchmark_proc.variable(process, "GOMAXPROCS") if process else None
    kind = "userspace" if process else "kernel"
    return {"implementation": kind, "threads": int(threads) if threads else None, **_device(name)}


def _device(name: str) -> dict[str, Any]:
    link = json.loads(run(f"link {name}", ["ip", "-j", "-d", "link", "show", "dev", name]))[0]
    driver = f"/sys/class/net/{name}/device/driver"
    speed = _read(f"/sys/class/net/{name}/speed")
    return {
        "mtu": link["mtu"],
        "queue": link.get("txqlen"),
        "queueing": link.get("qdisc"),
        "gso_max_size": link.get("gso_max_size"),
        "driver": os.path.basename(os.path.realpath(driver)) if os.path.exists(driver) else None,
        # -1: nobody knows, as of everything virtual
        "mbit": int(speed) if speed and int(speed) > 0 else None,
        "offloads": list(offloads(run(name, ["ethtool", "-k", name]))) if find("ethtool") else None,
    }


def _underlay(link: str, key: str) -> dict[str, Any]:
    """underlay: the device that packets to the peer leave by; None while nobody knows where the peer is.

    overhead: bytes around a packet in the tunnel: IPv4 or IPv6, UDP, and WireGuard's 32.
    """
    for line in run(f"link {link}", ["wg", "show", link, "endpoints"]).splitlines():
        peer, endpoint = line.split("\t")
        if peer == key and endpoint != "(none)":
            address = endpoint.rpartition(":")[0].strip("[]").partition("%")[0]
            way = json.loads(run(f"link {link}", ["ip", "-j", "route", "get", address]))[0]
            return {"underlay": way["dev"], "overhead": (40 if ":" in address else 20) + 8 + 32}
    return {"underlay": None, "overhead": None}


def _versions() -> dict[str, str | None]:
    found = {}
    for program, option in _VERSIONS.items():
        if find(program):
            found[program] = version(run(program, [program, option]))
    return found


def _distribution() -> str | None:
    for line in (_read("/etc/os-release") or "").splitlines():
        name, _equals, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip('"')
    return None


def _sysctl(name: str) -> str | None:
    value = _read("/proc/sys/" + name.replace(".", "/"))
    return " ".join(value.split()) if value is not None else None


def _read(path: str) -> str | None:
    """A file of the kernel's or the distribution's; None where there is none, or it has nothing to say here."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        # /sys/class/net/*/speed of a device that has none answers EINVAL
        if error.errno == errno.EINVAL:
            return None
        raise KernelError(path, str(error)) from error
