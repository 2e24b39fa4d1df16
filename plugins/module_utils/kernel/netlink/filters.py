# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""BPF programs at traffic control, as rtnetlink knows them (linux/rtnetlink.h, linux/pkt_cls.h).

A link has the queueing discipline clsact, which queues nothing: it has two hooks, each with filters by priority.
"""

from __future__ import annotations

import errno
from struct import Struct
from typing import NamedTuple

from .codec import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Reply,
    Request,
    attr,
    attr_name,
    attr_u32,
    attributes,
    cut,
    text,
    u32,
)

_RTM_NEWQDISC, _RTM_DELQDISC, RTM_GETQDISC = 36, 37, 38
_RTM_NEWTFILTER, _RTM_DELTFILTER = 44, 45
RTM_GETTFILTER = 46

# family, index of the link, handle, parent, info (of a filter: priority, and protocol in network order)
_TCMSG = Struct("=BxxxiIII")

CLSACT = "clsact"
_CLSACT = 0xFFFF0000
_PARENT_OF_CLSACT = 0xFFFFFFF1
INGRESS = 0xFFFFFFF2
EGRESS = 0xFFFFFFF3

_TCA_KIND = 1
_TCA_OPTIONS = 2
_TCA_BPF_FD = 6
_TCA_BPF_NAME = 7
_TCA_BPF_FLAGS = 8
_TCA_BPF_TAG = 10
_TCA_BPF_ID = 11
_ACT_DIRECT = 1
_BPF = "bpf"
_ALL_PROTOCOLS = Struct("=H").unpack(Struct("!H").pack(3))[0]

# Ours is the first: a filter before it that lets packets pass would take them from under it.
PRIORITY = 1
HANDLE = 1


class Seen(NamedTuple):
    """A filter. hook: INGRESS or EGRESS. handle: 0 for the head of a priority, which is no filter itself.

    The rest is of BPF programs, "" or 0 for other kinds: name as given, the kernel's number of the program, the tag of
    its instructions.
    """

    device: int
    hook: int
    priority: int
    handle: int
    kind: str
    name: str
    program: int
    tag: str

    def in_our_place(self) -> bool:
        return self.priority == PRIORITY and self.handle == HANDLE


def ask(device: int, hook: int) -> bytes:
    """The body of a request for all filters of a hook."""
    return _TCMSG.pack(0, device, 0, hook, 0)


def read(reply: Reply) -> Seen:
    _family, device, handle, hook, info = _TCMSG.unpack_from(reply.body)
    payload = reply.body[_TCMSG.size :]
    found = attributes(payload)
    kind = text(payload, found[_TCA_KIND]) if _TCA_KIND in found else ""
    name, program, tag = "", 0, ""
    if kind == _BPF and _TCA_OPTIONS in found:
        options = cut(payload, found[_TCA_OPTIONS])
        inner = attributes(options)
        name = text(options, inner[_TCA_BPF_NAME]) if _TCA_BPF_NAME in inner else ""
        program = u32(options, inner[_TCA_BPF_ID]) if _TCA_BPF_ID in inner else 0
        tag = cut(options, inner[_TCA_BPF_TAG]).hex() if _TCA_BPF_TAG in inner else ""
    return Seen(device, hook, info >> 16, handle, kind, name, program, tag)


def ask_disciplines(device: int) -> bytes:
    """The body of a request for all queueing disciplines of a link, 0: of all; some kernels send all anyway."""
    return _TCMSG.pack(0, device, 0, 0, 0)


def discipline(reply: Reply) -> tuple[int, str]:
    """The index of a link, and the kind of the one that has its hooks: CLSACT, or another that has ingress alone; "":
    this is none."""
    _family, device, _handle, parent, _info = _TCMSG.unpack_from(reply.body)
    payload = reply.body[_TCMSG.size :]
    found = attributes(payload)
    if parent != _PARENT_OF_CLSACT or _TCA_KIND not in found:
        return device, ""
    return device, text(payload, found[_TCA_KIND])


def add_clsact(subject: str, device: int) -> Request:
    body = _TCMSG.pack(0, device, _CLSACT, _PARENT_OF_CLSACT, 0) + attr_name(_TCA_KIND, CLSACT)
    return Request(subject, _RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, body, (errno.EEXIST,))


def remove_clsact(subject: str, device: int) -> Request:
    body = _TCMSG.pack(0, device, _CLSACT, _PARENT_OF_CLSACT, 0) + attr_name(_TCA_KIND, CLSACT)
    gone = (errno.ENODEV, errno.ENOENT, errno.EINVAL)
    return Request(subject, _RTM_DELQDISC, 0, body, gone)


def put(subject: str, device: int, hook: int, name: str, handle: int) -> Request:
    """Ours, with this program (a file descriptor). The one that is there is replaced in one step: each packet meets the
    old one or the new one."""
    options = attr_u32(_TCA_BPF_FD, handle) + attr_name(_TCA_BPF_NAME, name) + attr_u32(_TCA_BPF_FLAGS, _ACT_DIRECT)
    return Request(subject, _RTM_NEWTFILTER, NLM_F_CREATE, _ours(device, hook) + attr(_TCA_OPTIONS, options))


def remove(subject: str, device: int, hook: int) -> Request:
    return Request(subject, _RTM_DELTFILTER, 0, _ours(device, hook), (errno.ENODEV, errno.ENOENT, errno.EINVAL))


def _ours(device: int, hook: int) -> bytes:
    return _TCMSG.pack(0, device, HANDLE, hook, PRIORITY << 16 | _ALL_PROTOCOLS) + attr_name(_TCA_KIND, _BPF)
