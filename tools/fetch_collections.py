"""Puts the collections that galaxy.yml depends on into .cache/collections, without asking Galaxy.

The PyPI package `ansible` carries them; only the folders that are needed are taken out of its wheel.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

WHEEL = "ansible==12.3.0"
COLLECTIONS = ("community/docker", "community/library_inventory_filtering_v1")

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / ".cache" / "collections"
STAMP = TARGET / "stamp"


def download(folder: str) -> Path:
    """The wheel, downloaded by pip so that its index, proxy and cache settings hold."""
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--no-input", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, WHEEL], check=True)
    return next(Path(folder).glob("ansible-*.whl"))


def main() -> None:
    wanted = "\n".join((WHEEL, *COLLECTIONS))
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    print(f"taking {', '.join(COLLECTIONS)} out of {WHEEL}")
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(download(folder)) as wheel:
        prefixes = tuple(f"ansible_collections/{name}/" for name in COLLECTIONS)
        wheel.extractall(TARGET, [name for name in wheel.namelist() if name.startswith(prefixes)])
    STAMP.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
