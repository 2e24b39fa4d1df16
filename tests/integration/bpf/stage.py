# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host with a policy in its kernel, to which packets are shown one by one (BPF_PROG_TEST_RUN)."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach, calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import (
    ATTACHMENT,
    NUMBER,
    SLOTS,
    Tables,
    pack,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import Event, Records, counters
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.slots import STAMP_SIZE, Slots, Stamped
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import REASONS, PolicyMaps

ROOT = Path(__file__).resolve().parents[3]
OBJECTS = tuple(str(ROOT / "files" / "bpf" / f"{hook}.bpf.o") for hook in ("ingress", "egress"))
REASON_NAMES = {reason.number: reason.name for reason in REASONS}

PASS, DROP = 0xFFFFFFFF, 2  # TC_ACT_UNSPEC, TC_ACT_SHOT
# struct __sk_buff: where its mark and the indexes of interfaces are: that it came in by, and that it is at
_MARK, _CAME_BY, _INTERFACE, _CONTEXT = 8, 36, 40, 192
# struct bpf_prog_info: verified_insns and xlated_prog_len
_VERIFIED, _TRANSLATED = 216, 20


class _TestOptions(ctypes.Structure):
    """struct bpf_test_run_opts."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("data_in", ctypes.c_char_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", ctypes.c_char_p),
        ("ctx_out", ctypes.c_void_p),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    ]


class Outcome(NamedTuple):
    """What became of a packet. reason: that was counted, "": none. observed: it was counted, and passed. mark: then.
    source, destination: identities, as counted."""

    passed: bool
    reason: str
    observed: bool
    mark: int
    source: int
    destination: int

    @property
    def said(self) -> str:
        """In one word: PASS, or why not."""
        return "PASS" if self.passed and not self.reason else ("observed " if self.observed else "") + self.reason


def ip(command: str) -> None:
    run = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"ip {command}: {run.stderr}"


def verified(folder: str, name: str) -> dict[str, int]:
    """How many steps the verifier took for a program, and how many instructions it has."""
    handle = calls.pinned(objects.program_path(folder, name))
    try:
        info = ctypes.create_string_buffer(_VERIFIED + 8)
        size = ctypes.c_uint32(len(info))
        assert calls.libbpf().bpf_obj_get_info_by_fd(handle, info, ctypes.byref(size)) == 0
    finally:
        os.close(handle)
    (steps,), (length,) = (struct.unpack_from("=I", info.raw, at) for at in (_VERIFIED, _TRANSLATED))
    return {"verified": steps, "instructions": length // 8}


class Stage:
    """folder: on bpffs, of its own. In the network namespace that the process is in."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.programs = objects.load(folder, OBJECTS)
        self.devices: dict[str, int] = {}
        self._handles = {name: calls.pinned(objects.program_path(folder, name)) for name in self.programs}
        self._maps = {name: calls.pinned(objects.map_path(folder, name)) for name in _STATE}
        self._attachments = calls.pinned(objects.map_path(folder, "attachments"))
        self._slots = Slots(folder)
        self._records = Records(folder)
        self._written: dict[bytes, Stamped] = {}
        self._stamps = 0

    def close(self) -> None:
        self._slots.close()
        self._records.close()
        for handle in (*self._handles.values(), *self._maps.values(), self._attachments):
            os.close(handle)

    # what stands before the packets

    def add_links(self, *names: str) -> None:
        """Links whose packets the programs may be shown; nothing is attached to them."""
        for name in names:
            ip(f"link add name {name} type bridge")
            self.devices[name] = socket.if_nametoindex(name)

    def enforce(self, maps: PolicyMaps) -> Tables:
        """From now on these maps judge, and nothing is remembered of flows and fragments."""
        tables = pack(maps)
        self.enforce_tables(tables)
        for attachment in maps.attachments:
            found = attachment[1:]
            calls.put(self._attachments, NUMBER.pack(self.devices[attachment.interface]), ATTACHMENT.pack(*found))
        self.forget()
        return tables

    def forget_attachment(self, link: str) -> None:
        calls.delete(self._attachments, NUMBER.pack(self.devices[link]))

    def enforce_tables(self, tables: Tables) -> None:
        self._stamps += 1
        stamped = Stamped(self._stamps.to_bytes(STAMP_SIZE, "big"), tables)
        written = self._slots.write(stamped, *self._written.values())
        self._slots.switch(written.slot)
        # Only the two that the slots hold.
        self._written = {**dict(list(self._written.items())[-1:]), stamped.stamp: stamped}

    def forget_verdicts(self) -> None:
        """Takes them out of the tables that judge, as no writer ever does."""
        outer = calls.pinned(objects.map_path(self.folder, "verdicts"))
        for slot in range(SLOTS):
            found = calls.get(outer, NUMBER.pack(slot), NUMBER.size)
            if found:
                inner = calls.map_by_number(NUMBER.unpack(found)[0])
                for key in calls.read_all("verdicts", inner):
                    calls.delete(inner, key)
                os.close(inner)
        os.close(outer)
        self._written = {}

    def switch_again(self) -> None:
        """A new generation, that says what the last one said."""
        self._slots.switch(1 - self._slots.current())

    def forget(self) -> None:
        """Flows, fragments, counters and shares of records."""
        for name in self._maps:
            self._clear(name)

    def flows(self) -> int:
        """How many are known."""
        return len(calls.read_all("flows", self._maps["flows"]))

    def map(self, name: str) -> int:
        return self._maps[name]

    def look(self, link: str) -> attach.Look:
        return attach.look(self.folder, link)

    # packets

    def show(self, packet: object, link: str, hook: str = "ingress", mark: int = 0, by: str = "") -> Outcome:
        """One packet at a hook of a link, which leaves it what it is. mark: that it comes with. by: the link that it
        came in by, "": it is the host's."""
        found, after = self.cross(packet, link, hook, mark, by)
        assert after == bytes(packet), "the program changed the packet"
        return found

    def cross(
        self, packet: object, link: str, hook: str = "ingress", mark: int = 0, by: str = ""
    ) -> tuple[Outcome, bytes]:
        """The same, with what has become of the packet."""
        self._clear("counters")
        verdict, after, out = self.run(bytes(packet), self.devices[link], hook, mark, self.devices[by] if by else 0)
        return self._outcome(verdict, after), out

    def _outcome(self, verdict: int, mark: int) -> Outcome:
        assert verdict in (PASS, DROP), f"neither dropped nor left to others: {verdict}"
        counted = [found for found in counters(self.folder) if found.packets]
        assert len(counted) <= 1, f"one packet, counted as {counted}"
        if not counted:
            return Outcome(verdict == PASS, "", False, mark, 0, 0)
        found = counted[0]
        assert found.packets == 1
        assert bool(found.observed) == (verdict == PASS)
        reason = REASON_NAMES[found.reason]
        return Outcome(verdict == PASS, reason, bool(found.observed), mark, found.source, found.destination)

    def repeat(self, packet: object, link: str, count: int) -> int:
        """The same packet many times; how many of them were dropped."""
        raw, device = bytes(packet), self.devices[link]
        return sum(self.run(raw, device, "ingress", 0)[0] == DROP for _packet in range(count))

    def forget_shares(self) -> None:
        self._clear("buckets")

    def records(self) -> list[Event]:
        """Those since the last time."""
        return self._records.read()

    def _clear(self, name: str) -> None:
        handle = self._maps[name]
        for key in calls.read_all(name, handle):
            calls.delete(handle, key)

    def run(self, packet: bytes, device: int, hook: str, mark: int, by: int = 0) -> tuple[int, int, bytes]:
        """The program's answer, and the mark and the packet afterwards."""
        context = bytearray(_CONTEXT)
        struct.pack_into("=I", context, _MARK, mark)
        struct.pack_into("=I", context, _CAME_BY, by)
        struct.pack_into("=I", context, _INTERFACE, device)
        after = ctypes.create_string_buffer(_CONTEXT)
        out = ctypes.create_string_buffer(len(packet) + 64)
        options = _TestOptions(
            sz=ctypes.sizeof(_TestOptions),
            data_in=packet,
            data_out=ctypes.cast(out, ctypes.c_void_p),
            data_size_in=len(packet),
            data_size_out=len(out),
            ctx_in=bytes(context),
            ctx_out=ctypes.cast(after, ctypes.c_void_p),
            ctx_size_in=_CONTEXT,
            ctx_size_out=_CONTEXT,
            repeat=1,
        )
        code = calls.libbpf().bpf_prog_test_run_opts(self._handles[f"weft_{hook}"], ctypes.byref(options))
        assert code == 0, f"BPF_PROG_TEST_RUN: {os.strerror(-code)}"
        return options.retval, struct.unpack_from("=I", after.raw, _MARK)[0], out.raw[: options.data_size_out]


_STATE = ("flows", "judged", "fragments", "counters", "buckets")
