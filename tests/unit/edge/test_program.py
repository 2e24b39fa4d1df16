# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The program that a host keeps for its next boot is whole: it runs where there is neither Ansible nor this tree."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import isolated_plan
from ansible_collections.weft.overlay.plugins.module_utils.edge import boot, command, program, stored_plan
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import Link
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from tests.unit.diff.worlds import OVERLAYS

ROOT = Path(__file__).resolve().parents[3]

# What the module does on a host: import its rooms, and ask for their sources.
COLLECT = """
import json, sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader([sys.argv[1] + "/.collections"])
from ansible_collections.weft.overlay.plugins.module_utils.edge.convergence import program
json.dump(program()._asdict(), sys.stdout)
"""
# Those that are compared with the first argument.
WORDS = sorted(re.findall(r'word == "([a-z]+)"', Path(command.__file__).read_text(encoding="utf-8")))
PYTHONS = sorted({sys.executable, *(path for path in ("/usr/bin/python3",) if os.path.exists(path))})


def collect():
    done = subprocess.run([sys.executable, "-c", COLLECT, str(ROOT)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def collected():
    return collect()


@pytest.fixture
def installed(collected, tmp_path):
    for path, text in collected["sources"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def call(python, folder, *arguments):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-I", "-W", "error", str(folder / "main.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env=environment)


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.basename)
def test_the_copy_starts_on_its_own_and_says_how_it_is_called(installed, python):
    done = call(python, installed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: weft apply [PLAN]")


@pytest.mark.parametrize("python", PYTHONS, ids=os.path.basename)
@pytest.mark.parametrize("word", WORDS)
def test_each_command_starts_from_the_copy(installed, python, word):
    done = call(python, installed, word, "sideways", "or", "not")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"usage: weft {word}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_that_cannot_be_read_is_told_and_nothing_done(installed, tmp_path):
    done = call(sys.executable, installed, "apply", str(tmp_path / "absent.json"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("weft: the plan ")
    assert "No such file" in done.stderr


def test_every_import_leads_into_the_copy_or_the_standard_library(collected):
    """Also those inside functions, which starting it does not reach."""
    sources = dict(collected["sources"])
    missing = []
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text, path)):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = PurePosixPath(path).parents[node.level - 1]
                module = folder / (node.module or "").replace(".", "/")
                names = [module] if node.module else [folder / alias.name for alias in node.names]
                inner = [module / alias.name for alias in node.names] if f"{module}/__init__.py" in sources else []
                wanted = names if f"{names[0]}.py" in sources or not inner else inner
                missing += [f"{path}: {name}" for name in wanted if f"{name}.py" not in sources]
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                known = {*sys.stdlib_module_names, "weft_overlay"}
                missing += [f"{path}: {name}" for name in names if name.split(".")[0] not in known]
    assert missing == []


@pytest.mark.parametrize("room", ["model", "diff", "kernel", "converge", "edge"])
def test_imports_are_found_as_python_finds_them(room):
    """In all files, so that none is written in another way: what was not found would not be stored."""
    rooms = ROOT / "plugins" / "module_utils"
    for path in (rooms / room).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.level]
        parsed = [(node.level, node.module or "", [alias.name for alias in node.names]) for node in nodes]
        assert sorted(program.imports(text)) == sorted(parsed), path


def test_imports_over_lines_and_under_other_names_are_found():
    text = "from ..a import (\n    b,\n    c as d,\n)\nif c:\n    from . import e as f, g\nfrom .h.i import j\n"
    assert list(program.imports(text)) == [(2, "a", ["b", "c"]), (1, "", ["e", "g"]), (1, "h.i", ["j"])]


def test_hosts_with_python_3_9_can_read_it(collected):
    for path, text in collected["sources"]:
        ast.parse(text, path, feature_version=(3, 9))


def test_the_controllers_rooms_stay_there(collected):
    rooms = {path.split("/")[1] for path, _text in collected["sources"] if path.count("/") > 1}
    assert rooms == {"model", "diff", "kernel", "converge", "edge"}


def test_the_digest_is_that_of_the_sources_and_the_same_every_time(collected):
    assert collect() == collected
    assert len(collected["digest"]) == 32


def test_a_source_that_cannot_be_read_is_told(monkeypatch):
    monkeypatch.setattr(boot.__spec__, "loader", None)
    with pytest.raises(WeftError, match=r"^the source of edge.boot cannot be read"):
        program.program()


def host(monkeypatch, kernel):
    monkeypatch.setattr(stored_plan, "HostKernel", lambda **_options: kernel)
    return kernel


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(to_json(isolated_plan(OVERLAYS[0], "runner1")), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("arguments", [[], ["apply", "a", "b"], ["remove"], ["--help"]])
def test_another_call_is_answered_with_the_usage(arguments, capsys):
    assert command.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: weft apply")


def test_the_usage_names_every_command(capsys):
    assert command.main([]) == 2
    shown = capsys.readouterr().err
    assert sorted(set(re.findall(r"^(?:usage:|      ) weft ([a-z]+) ", shown, re.MULTILINE))) == WORDS


def test_the_readme_lists_every_command_and_no_other():
    listed = re.findall(r"^   \| (`weft .+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted({word for cell in listed for word in re.findall(r"`weft ([a-z]+)", cell)}) == WORDS


def test_a_boot_says_what_it_changed(monkeypatch, plan, capsys):
    left = Link("vxlan0", "vxlan", "weft:hub", "02:77:01:00:00:65", 1450, None, 101, 4789, "192.0.2.1", "192.0.2.250")
    host(monkeypatch, MemoryKernel(Observed(Capabilities(True, "none"), {"link": {"vxlan0": left}}, Foreign())))
    assert boot.main(["apply", plan]) == 0
    assert capsys.readouterr() == ("- link vxlan0\n", "")
    assert boot.main(["apply", plan]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_plan_from_a_pipe_can_be_read_only_once_and_is(monkeypatch, plan, capsys):
    host(monkeypatch, MemoryKernel(Observed(Capabilities(True, "none"), {}, Foreign())))
    reading, writing = os.pipe()
    with open(plan, "rb") as stream, open(writing, "wb") as into:
        into.write(stream.read())
    try:
        assert boot.main(["apply", f"/dev/fd/{reading}"]) == 0
    finally:
        os.close(reading)
    assert capsys.readouterr().err == ""


def test_a_boot_that_finds_a_conflict_says_so_and_fails(monkeypatch, plan, capsys):
    foreign = Foreign(faults=(("file /usr/local/sbin/weft", "is somebody else's"),))
    host(monkeypatch, MemoryKernel(Observed(Capabilities(True, "none"), {}, foreign)))
    assert boot.main(["apply", plan]) == 1
    assert capsys.readouterr().err == "weft: runner1: file /usr/local/sbin/weft: is somebody else's\n"


def test_a_boot_on_a_host_that_cannot_be_looked_at_fails(monkeypatch, plan, capsys):
    class Blind:
        def observe(self):
            raise KernelError("links", "Operation not permitted")

    host(monkeypatch, Blind())
    assert boot.main(["apply", plan]) == 1
    assert capsys.readouterr().err == "weft: links: Operation not permitted\n"
