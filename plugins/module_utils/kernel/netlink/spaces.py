# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Network namespaces by the numbers that the kernel has for them here (linux/net_namespace.h): a link whose other end
is in one says its number, so nobody has to go there."""

from __future__ import annotations

import os
from struct import Struct

from ...model.errors import KernelError
from .channel import Channel
from .codec import RTM_GETNSID, Request, attr_u32, attributes

_RTGENMSG = Struct("=Bxxx")
_NETNSA_NSID = 1
_NETNSA_FD = 3
_NUMBER = Struct("=i")


def number_of_space(channel: Channel, path: str) -> int | None:
    """path: of the namespace's file. None: the kernel has no number for it, so no link here leads there. Raises
    KernelError where it is no namespace's file, or not there."""
    subject = f"network namespace {path}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError(subject, os.strerror(error.errno or 0)) from error
    try:
        reply = channel.ask(Request(subject, RTM_GETNSID, 0, _RTGENMSG.pack(0) + attr_u32(_NETNSA_FD, handle)))
    finally:
        os.close(handle)
    payload = reply.body[_RTGENMSG.size :]
    number: int = _NUMBER.unpack_from(payload, attributes(payload)[_NETNSA_NSID][0])[0]
    return number if number >= 0 else None
