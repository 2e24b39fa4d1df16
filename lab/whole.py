"""The whole of a host, as text: what snapshot.py has, and whatever else may be left there, down to every file."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor

from . import snapshot
from .paths import host_root
from .traffic import must

_SCRIPT = r"""
section() { printf '\n=== %s\n' "$1"; }
section 'all switches'; sysctl -a 2>/dev/null | grep -E '^net\.(ipv4|ipv6|bridge|netfilter)\.'
section disciplines; tc qdisc show; for link in $(ls /sys/class/net); do tc filter show dev "$link" ingress; done
section 'forwarding entries and ports'; bridge fdb show; bridge -d link show; bridge vlan show
section units; systemctl list-unit-files --no-legend --no-pager
systemctl list-units --all --no-legend --no-pager 'weft*'
section failed; systemctl list-units --failed --no-legend --no-pager
section processes; pgrep -af 'weft|wireguard-go' | grep -v pgrep
section bpffs; mount -t bpf; find /sys/fs/bpf ! -name '*.debug' 2>/dev/null
section runtime; find /run/weft /run/wireguard /run/systemd/transient /run/systemd/generator* 2>/dev/null | sort
if command -v iptables-save >/dev/null; then
    section 'iptables-save'; iptables-save; ip6tables-save
fi
if systemctl -q is-active firewalld; then
    section 'firewalld now'; firewall-cmd --list-all-zones; firewall-cmd --list-all-policies
    firewall-cmd --direct --get-all-rules; firewall-cmd --direct --get-all-chains
    section 'firewalld for good'
    firewall-cmd --permanent --list-all-zones; firewall-cmd --permanent --list-all-policies
    firewall-cmd --permanent --direct --get-all-rules
fi
"""

# What lives its own life: logs, caches, Docker's own books, and what Ansible and apt leave on every host.
_OF_LIB = "docker|containerd|systemd|apt|dpkg|private|NetworkManager"
_ALIVE = re.compile(rf"^/(proc|sys|run|dev|tmp|var/(log|cache|tmp|lib/({_OF_LIB}))|root/\.ansible)(/|$)")
# A table of the legacy back end is there from its first use until its module is unloaded; empty, it says nothing.
_COUNTERS = re.compile(r" \[\d+:\d+\]|^#.*\n", re.MULTILINE)
_EMPTY_TABLE = re.compile(r"\*\w+\n(:\w+ ACCEPT *\n)*COMMIT\n")
_BLANK = re.compile(r"^\n", re.MULTILINE)
# A login has one as long as it lasts, and ssh keeps it for the next one.
_LOGIN = re.compile(r"^(/run/systemd/transient/)?session-\d+\.scope.*\n|^/run/systemd/transient\n", re.MULTILINE)
# Counters of the network, of memory, and what the kernel learns.
_COUNTED = re.compile(r"^net\.netfilter\.nf_conntrack_(count|buckets|max) .*$|^.*(tcp_mem|udp_mem).*$", re.MULTILINE)


def take(name: str) -> dict[str, str]:
    """The sections of one host by their names."""
    parts = re.split(r"\n=== (.*)\n", must(name, "sh", "-c", _SCRIPT))
    found = {**snapshot.take(name), **dict(zip(parts[1::2], parts[2::2]))}
    for section in ("iptables-legacy", "iptables-save"):
        found[section] = _BLANK.sub("", _EMPTY_TABLE.sub("", _COUNTERS.sub("", found.get(section, ""))))
    for section in ("runtime", "units"):
        found[section] = _LOGIN.sub("", found[section])
    found["all switches"] = _COUNTED.sub("", found["all switches"])
    found["every file"] = "\n".join(_files(host_root(name)))
    return found


def take_all(*names: str) -> dict[str, dict[str, str]]:
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(take, names)))


def _files(root: str) -> list[str]:
    """A line for each: path, kind and mode, owner, where it leads or what is in it."""
    found = []
    for folder, folders, names in os.walk(root):
        inner = folder[len(root) :] or "/"
        folders[:] = [each for each in folders if not _ALIVE.match(os.path.join(inner, each))]
        for each in (*folders, *names):
            path = os.path.join(inner, each)
            if not _ALIVE.match(path):
                found.append(_line(root, path))
    return sorted(found)


def _line(root: str, path: str) -> str:
    full = root + path
    seen = os.lstat(full)
    if stat.S_ISLNK(seen.st_mode):
        content = os.readlink(full)
    elif stat.S_ISREG(seen.st_mode) and path.startswith(("/etc", "/usr/local", "/srv", "/var/lib", "/root")):
        with open(full, "rb") as data:
            content = hashlib.sha256(data.read()).hexdigest()
    else:
        content = str(seen.st_size) if stat.S_ISREG(seen.st_mode) else ""
    return f"{path} {seen.st_mode:o} {seen.st_uid}:{seen.st_gid} {content}"
