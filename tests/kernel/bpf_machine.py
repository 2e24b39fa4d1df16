# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A machine with nothing but a Debian kernel, libbpf and Python, all in memory: it boots in seconds, runs one program,
and is gone."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.paths import CACHE
from lab.shell import run, say
from tests.kernel.machine import QEMU

PACKAGES = "linux-image-cloud-amd64,python3,libbpf1,iproute2,kmod"
# Of a root filesystem, what such a machine has no use for.
_LEFT_OUT = ("boot", "dev", "proc", "run", "sys", "tmp", "usr/share", "usr/lib/python3/dist-packages", "var")
_MODULES = ("bridge/", "802/", "llc/", "sched/sch_ingress.", "sched/cls_bpf.", "net/veth.", "/vxlan", "udp_tunnel.")
# Emulated, it needs some twenty.
SECONDS = 300


def boot(release: str, files: Mapping[str, bytes], program: str) -> list[dict[str, Any]]:
    """Boots the kernel of a Debian release with these files (path -> content), runs a Python program as the first and
    only process, and returns the objects that it printed, one for each line."""
    if shutil.which(QEMU) is None:
        pytest.fail(f"{QEMU} is not installed: tools/system-packages kernel, or make kernel")
    base = _base(release)
    with tempfile.TemporaryDirectory(prefix="weft-kernel-") as scratch:
        initrd, console, record = (Path(scratch) / name for name in ("initrd", "console", "record"))
        archive = _Archive()
        archive.add_program("init", program)
        for path, content in files.items():
            archive.add(path, stat.S_IFREG | 0o644, content)
        initrd.write_bytes((base / "root.cpio").read_bytes() + archive.whole())
        record.touch()
        command = [QEMU, "-accel", "tcg,thread=multi", "-smp", "2", "-cpu", "max", "-m", "1024", "-nodefaults"]
        command += ["-display", "none", "-monitor", "none", "-no-reboot"]
        command += ["-kernel", str(base / "vmlinuz"), "-initrd", str(initrd)]
        command += ["-append", "console=ttyS0 quiet loglevel=3 panic=-1 no_timer_check"]
        command += ["-serial", f"file:{console}", "-serial", f"file:{record}"]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=SECONDS)
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
        if not lines or lines[-1] != "done":
            pytest.fail(f"the machine did not come to its end:\n{console.read_text(errors='replace')[-3000:]}")
        return [json.loads(line) for line in lines[:-1]]


def _base(release: str) -> Path:
    """The kernel and what is always in memory; built once."""
    recipe = (release, platform.machine(), PACKAGES, _LEFT_OUT, _MODULES)
    digest = hashlib.sha256(repr(recipe).encode())
    final = Path(CACHE) / f"bpf-{release}-{digest.hexdigest()[:12]}"
    if not final.is_dir():
        say(f"building {final} (once, a minute)")
        building = Path(tempfile.mkdtemp(prefix=f"{final.name}.", dir=CACHE))
        try:
            root = building / "root"
            run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--mode=root",
                    "--variant=minbase",
                    f"--include={PACKAGES}",
                    release,
                    str(root),
                ]
            )
            (building / "root.cpio").write_bytes(_pack(root))
            shutil.copy(next((root / "boot").glob("vmlinuz-*")), building / "vmlinuz")
            shutil.rmtree(root)
            building.rename(final)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return final


def _pack(root: Path) -> bytes:
    archive = _Archive()
    for name in ("dev", "proc", "sys", "tmp", "run"):
        archive.add(name, stat.S_IFDIR | 0o755)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    for path in _wanted(root):
        name, mode = str(path.relative_to(root)), path.lstat().st_mode
        if stat.S_ISLNK(mode):
            archive.add(name, mode, os.readlink(path).encode())
        elif stat.S_ISDIR(mode):
            archive.add(name, mode)
        elif stat.S_ISREG(mode):
            archive.add(name, mode, path.read_bytes())
    return archive.whole()


def _wanted(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if str((Path(folder) / name).relative_to(root)) not in _LEFT_OUT)
        for name in (*folders, *sorted(files)):
            path = Path(folder) / name
            if "/kernel/" not in str(path) or path.is_dir() or any(part in str(path) for part in _MODULES):
                yield path


class _Archive:
    """cpio, in the format that kernels unpack (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._made = {""}

    def add(self, name: str, mode: int, data: bytes = b"", device: tuple[int, int] = (0, 0)) -> None:
        parent = name.rpartition("/")[0]
        if parent not in self._made:
            self.add(parent, stat.S_IFDIR | 0o755)
        self._made.add(name)
        self._write(name, mode, data, device)

    def _write(self, name: str, mode: int, data: bytes, device: tuple[int, int]) -> None:
        title = name.encode() + b"\0"
        fields = (len(self._parts) + 1, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(title), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + title
        self._parts.append(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    def add_program(self, name: str, text: str) -> None:
        self.add(name, stat.S_IFREG | 0o755, text.encode())

    def whole(self) -> bytes:
        self._write("TRAILER!!!", 0, b"", (0, 0))
        return b"".join(self._parts)
