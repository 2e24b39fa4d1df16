#!/usr/bin/python3 -u
# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The first process of a machine: loads the programs, enforces a policy, shows packets and says what became of them."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
_POWER_OFF = 0x4321FEDC
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def mount(kind: str, place: str) -> None:
    if _LIBC.mount(kind.encode(), place.encode(), kind.encode(), 0, None):
        raise OSError(ctypes.get_errno(), place)


def main(record: object) -> None:
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach, calls, mount, support
    from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json
    from tests.integration.bpf.stage import Stage, verified

    def say(**words: object) -> None:
        print(json.dumps(words), file=record, flush=True)

    libbpf = next(name for name in os.listdir("/usr/lib/x86_64-linux-gnu") if name.startswith("libbpf.so.1."))
    say(kernel=os.uname().release, libbpf=libbpf, missing=support.missing(), mounted=mount.mount())
    stage = Stage("/sys/fs/bpf/weft")
    say(sizes={name: verified(stage.folder, name) for name in stage.programs})
    with open("/weft/policy.json", encoding="utf-8") as file:
        maps = from_json(file.read())
    stage.add_links(*sorted({attachment.interface for attachment in maps.attachments}))
    stage.enforce(maps)
    with open("/weft/packets.json", encoding="utf-8") as file:
        packets = json.load(file)
    for number, (raw, link, hook, forget) in enumerate(packets):
        if forget:
            stage.forget()
        found = stage.show(bytes.fromhex(raw), link, hook)
        say(number=number, said=found.said, mark=found.mark)
    for link in stage.devices:
        attach.police(stage.folder, link, attach.Policed(1, 1, 0))
        say(link=link, attached=[found[::3] for found in stage.look(link).attached])
    for link in stage.devices:
        attach.release(stage.folder, link)
        say(link=link, released=stage.look(link)[1:])
    # twice, so that a slot is written that holds something
    for _turn in range(2):
        stage.enforce(maps)
    say(records=len(stage.records()), maps=len(calls.read_all("flows", stage.map("flows"))))


def first(program: Callable[[object], None]) -> None:
    """Runs a program as the first process of a machine: it gets the file for what it has to say."""
    os.environ["PATH"] = PATH
    mount("devtmpfs", "/dev")
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with open("/dev/ttyS1", "w", encoding="utf-8") as port:
        try:
            program(port)
            print("done", file=port, flush=True)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            raise
        finally:
            os.sync()
            _LIBC.reboot(_POWER_OFF)


if __name__ == "__main__":
    sys.path.insert(0, "/")
    first(main)
