"""The root filesystem every host starts from: built once per recipe, kept outside the tree."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator

from .paths import CACHE, HERE, RELEASE, ROOTFS_RECIPE, RUN
from .shell import LabError, run, say, succeeds

LINK = os.path.join(RUN, "rootfs")
CHROOT_ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}

# What a firewall flavour takes away from, or chooses in, the root filesystem. firewalld is how it is built.
FLAVOUR_STEPS = {
    "firewalld": (),
    "iptables-nft": (("dpkg", "--purge", "firewalld"),),
    "iptables-legacy": (
        ("dpkg", "--purge", "firewalld"),
        ("update-alternatives", "--set", "iptables", "/usr/sbin/iptables-legacy"),
        ("update-alternatives", "--set", "ip6tables", "/usr/sbin/ip6tables-legacy"),
    ),
    "none": (("dpkg", "--purge", "firewalld", "docker.io", "iptables"),),
}


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """One lab command that changes something at a time."""
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _recipe_key() -> str:
    digest = hashlib.sha256(f"{RELEASE} {platform.machine()} {FLAVOUR_STEPS}".encode())
    for folder, folders, files in os.walk(ROOTFS_RECIPE):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            digest.update(os.path.relpath(path, ROOTFS_RECIPE).encode())
            with open(path, "rb") as data:
                digest.update(data.read())
    return digest.hexdigest()[:12]


def install_prerequisites() -> None:
    done = run([os.path.join(HERE, "prerequisites.sh")], check=False)
    if done.returncode != 0:
        raise LabError(f"lab/prerequisites.sh failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def chroot(root: str, *argv: str) -> None:
    settings = [f"{name}={value}" for name, value in CHROOT_ENV.items()]
    run(["env", "-i", *settings, "chroot", root, *argv])


def mount_overlay(lowers: list[str], upper: str, work: str, target: str) -> None:
    """Mount target = upper over lowers (topmost first). The folders are made if missing."""
    for folder in (upper, work, target):
        os.makedirs(folder, exist_ok=True)
    options = f"lowerdir={':'.join(lowers)},upperdir={upper},workdir={work}"
    run(["mount", "-t", "overlay", "weft-lab", "-o", options, target])


def _packages() -> str:
    """The package list for mmdebstrap; a line that begins with `RELEASE:` is for that release only."""
    with open(os.path.join(ROOTFS_RECIPE, "packages.txt"), encoding="utf-8") as text:
        lines = [line.partition("#")[0].strip().rpartition(":") for line in text]
    return ",".join(word for release, _, words in lines if release in ("", RELEASE) for word in words.split())


def _build_root(root: str) -> None:
    run(["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={_packages()}", RELEASE, root])
    run(["cp", "-a", "--no-preserve=ownership", os.path.join(ROOTFS_RECIPE, "tree", "."), root])
    script = os.path.join(root, "customize.sh")
    shutil.copy(os.path.join(ROOTFS_RECIPE, "customize.sh"), script)
    chroot(root, "/customize.sh")
    os.unlink(script)


def _build_layers(folder: str) -> None:
    """A read-only layer per firewall flavour, so that no host has to purge packages while it is waited for."""
    for flavour, steps in FLAVOUR_STEPS.items():
        upper, work, merged = (os.path.join(folder, part, flavour) for part in ("layers", "work", "merged"))
        mount_overlay([os.path.join(folder, "root")], upper, work, merged)
        try:
            for step in steps:
                chroot(merged, *step)
        finally:
            run(["umount", merged])
    shutil.rmtree(os.path.join(folder, "work"))
    shutil.rmtree(os.path.join(folder, "merged"))


def _clear_half_built() -> None:
    """Remove what a build that was interrupted left; the caller holds the lock, so nobody is building."""
    for name in os.listdir(CACHE):
        if name.startswith("building-"):
            folder = os.path.join(CACHE, name)
            for flavour in FLAVOUR_STEPS:
                while succeeds(["umount", os.path.join(folder, "merged", flavour)]):
                    pass
            shutil.rmtree(folder)


def ensure_rootfs() -> None:
    """Build the root filesystem if this recipe was not built yet, and let the run folder point at it."""
    if os.path.isdir(os.path.join(LINK, "layers")):
        return
    key = f"{RELEASE}-{_recipe_key()}"
    final = os.path.join(CACHE, key)
    if not os.path.isdir(final):
        say(f"building the root filesystem {final} (once, about a minute)")
        _clear_half_built()
        building = os.path.join(CACHE, f"building-{key}")
        os.makedirs(building)
        _build_root(os.path.join(building, "root"))
        _build_layers(building)
        os.rename(building, final)
    if os.path.islink(LINK):
        os.unlink(LINK)
    os.symlink(final, LINK)


def lowers(flavour: str) -> list[str]:
    """The read-only layers below a host of this flavour, topmost first."""
    real = os.path.realpath(LINK)
    return [os.path.join(real, "layers", flavour), os.path.join(real, "root")]
