"""Programs at the hooks of a host's links, as the host's own copy of weft sees them: tc(8) does not know of TCX.

What is here are commands, for a shell on the host.
"""

from __future__ import annotations

import shlex

_BEGIN = (
    "import json, socket, subprocess, sys; sys.path.insert(0, '/usr/local/lib/weft/current'); "
    "from weft_overlay.kernel.bpf import attach, hook_tcx; from weft_overlay.model.policed import BPF_FOLDER; "
)


def look(link: str) -> str:
    """Prints [program, way] of each of ours there, as JSON."""
    return _python(f"print(json.dumps([found[::3] for found in attach.look(BPF_FOLDER, {link!r}).attached]))")


def everywhere() -> str:
    """Prints the names of all links at which there is one."""
    looks = "attach.looks(BPF_FOLDER, [name for _number, name in socket.if_nameindex()])"
    return _python(f"print(json.dumps([link for link, found in {looks}.items() if found.attached]))")


def take_out(link: str) -> str:
    """As somebody would by hand."""
    return _python(
        "for name in attach.PROGRAMS if attach.way() == 'tcx' else (): "
        f"hook_tcx.Tcx().remove('', socket.if_nametoindex({link!r}), name)\n"
        f"if attach.way() != 'tcx': subprocess.run('tc qdisc del dev {link} clsact', shell=True, check=True)"
    )


def _python(code: str) -> str:
    return f"python3 -I -c {shlex.quote(_BEGIN + chr(10) + code)}"
