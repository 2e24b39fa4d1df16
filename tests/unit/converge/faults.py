# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosts in memory that go wrong when a test wants them to."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Observed
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl
from tests.unit.diff.worlds import KERNEL_RULES, OBJECTS, OVERLAYS, PROGRAMS


class Died(BaseException):
    """The process is killed: nobody handles it."""


class Faulty:
    """A kernel that goes wrong at its n-th change, once; counted from 0, over all calls.

    how: "refuse" raises KernelError, "break" some other exception, "drop" says yes and does nothing, "die" ends the
    process there and then.
    refusals: how many changes in a row are refused.
    """

    def __init__(self, inner, step=None, how="refuse", refusals=1):
        self.inner, self.step, self.how, self.refusals = inner, step, how, refusals
        self.done = 0
        self.applied = []

    def observe(self):
        return self.inner.observe()

    def apply(self, changes):
        for change in changes:
            number, self.done = self.done, self.done + 1
            if self.step is not None and self.step <= number < self.step + self.refusals:
                if self.how == "refuse":
                    raise KernelError(f"{change.kind} {change.key}", "Device or resource busy")
                if self.how == "break":
                    raise OSError("unforeseen")
                if self.how == "die":
                    raise Died
                continue
            self.inner.apply([change])
            self.applied.append(change)


def spokes(*numbers, mtu=1450):
    return tuple(Spoke(f"runner{number}", number, f"192.0.2.{number}", mtu) for number in numbers)


def hub(*numbers, mtu=1450):
    return hub_plan(OVERLAYS[0], "hub", "192.0.2.250", spokes(*numbers, mtu=mtu))


def host(foreign=None, firewall="firewalld"):
    state = {kinds.SYSCTL: {"net.ipv4.ip_forward": Sysctl("net.ipv4.ip_forward", "0")}}
    return MemoryKernel(
        Observed(
            Capabilities(True, firewall), state, (foreign or Foreign())._replace(zones=("trusted",), rules=KERNEL_RULES)
        )
    )


def run(plan, kernel, release=1):
    """With the code, and the compiled programs, of a release."""
    return converge(plan, kernel, PROGRAMS[release], OBJECTS[release])


def failure(call):
    """What a call fails with; None: it does not."""
    try:
        call()
    except WeftError as error:
        return error
    return None


def built(plan):
    kernel = host()
    run(plan, kernel, 0)
    return kernel.observe()
