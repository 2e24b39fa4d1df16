# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compiled BPF programs on their way from the controller, whose release has them, to hosts, which have no compiler."""

from __future__ import annotations

import os
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping

from ..diff.policy import NO_OBJECTS
from ..model.errors import Fault, IntentError, PlanError
from ..model.policed import Objects, objects_of

# Of files/bpf.
NAMES = ("egress.bpf.o", "ingress.bpf.o")


def read(folder: str) -> dict[str, str]:
    """What packed() makes of the files there. Raises IntentError where one is missing."""
    contents: dict[str, bytes] = {}
    faults: list[Fault] = []
    for name in NAMES:
        try:
            with open(os.path.join(folder, name), "rb") as stream:
                contents[name] = stream.read()
        except OSError as error:
            faults.append(Fault(folder, name, f"{error.strerror}; releases have it, in a clone `make bpf` compiles it"))
    if faults:
        raise IntentError(tuple(faults))
    return pack(contents)


def pack(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Base64 of zlib, by name: about a quarter of the size."""
    return {name: b64encode(zlib.compress(content, 9)).decode() for name, content in contents.items()}


def unpack(packed: Mapping[str, str]) -> Objects:
    """The reverse. Raises PlanError. Without any, NO_OBJECTS."""
    if not packed:
        return NO_OBJECTS
    try:
        return objects_of((name, zlib.decompress(b64decode(text, validate=True))) for name, text in packed.items())
    except (TypeError, ValueError, zlib.error) as error:
        raise PlanError(f"the compiled programs of the policy cannot be read ({error})") from error
