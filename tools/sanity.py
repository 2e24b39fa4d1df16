"""Runs ``ansible-test sanity`` and antsibull-docs on what the artifact holds; the rest of the tree is for ruff.

ansible-test wants a tree whose real path ends in ``ansible_collections/weft/overlay``, outside any folder that git
ignores (there it finds nothing to test and says that all is well).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# ansible-test keeps virtual environments and get-pip here, below ~/.ansible; a home of its own spares the user's.
HOME = ROOT / ".cache" / "ansible-test"
# The name says which pip this version of ansible-test wants.
GET_PIP = Path(".ansible") / "test" / "cache" / "get_pip_24_2.py"
# ansible-test downloads the real one from a web site; this takes the same version from the package index.
STAND_IN = """\
import os, subprocess, sys
without_settings = {name: value for name, value in os.environ.items() if name != "PIP_CONFIG_FILE"}
for command in (["ensurepip"], ["pip", "install", "-qq", "pip==24.2"]):
    subprocess.run([sys.executable, "-m", *command], check=True, env=without_settings, stdout=subprocess.DEVNULL)
"""


def prepare_home() -> None:
    """A home folder with the stand-in, and the user's pip settings so that the same index is asked."""
    stand_in = HOME / GET_PIP
    stand_in.parent.mkdir(parents=True, exist_ok=True)
    stand_in.write_text(STAND_IN, encoding="utf-8")
    for name in (".config", ".pip"):
        theirs, ours = Path.home() / name, HOME / name
        if theirs.is_dir() and not ours.is_symlink():
            ours.symlink_to(theirs)


def unpack(folder: str) -> Path:
    """Builds the artifact and unpacks it, with what it depends on beside it. Returns where it lies."""
    source, place = Path(folder) / "source", Path(folder) / "ansible_collections" / "weft" / "overlay"
    subprocess.run([ROOT / "tools" / "copy-tree", source], check=True)
    build = [BIN / "ansible-galaxy", "collection", "build", source, "--output-path", folder]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    place.mkdir(parents=True)
    artifact = next(Path(folder).glob("*.tar.gz"))
    subprocess.run(["tar", "--extract", "--file", artifact, "--directory", place], check=True)
    dependencies = ROOT / ".cache" / "collections" / "ansible_collections" / "community"
    (place.parent.parent / "community").symlink_to(dependencies)
    return place


def run(place: Path, name: str, *arguments: str) -> int:
    environment = {
        **os.environ,
        "HOME": str(HOME),
        "ANSIBLE_COLLECTIONS_PATH": str(place.parent.parent.parent),
    }
    return subprocess.run([BIN / name, *arguments], cwd=place, env=environment, check=False).returncode


def main() -> int:
    """Arguments go to ansible-test; without any, the plugins' documentation is checked as well."""
    prepare_home()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # so that the folder goes when a build machine ends the run
    signal.signal(signal.SIGTERM, lambda *caught: sys.exit(128 + caught[0]))
    folder = tempfile.mkdtemp(prefix="weft-sanity-")
    try:
        place = unpack(folder)
        code = run(place, "ansible-test", "sanity", "--venv", "--python", version, "--color", "no", *sys.argv[1:])
        if len(sys.argv) == 1:
            references = ("--plugin-docs", "--validate-collection-refs=dependent")
            code |= run(place, "antsibull-docs", "lint-collection-docs", *references, ".")
        return code
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
