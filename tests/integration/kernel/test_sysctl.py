# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Host-wide switches."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel import sysctl
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl

FORWARD = "net.ipv4.ip_forward"


def test_a_switch_is_read_and_written(host: Any) -> None:
    assert sysctl.read([FORWARD]) == {FORWARD: Sysctl(FORWARD, "0")}
    sysctl.apply([Change(CHANGE, "sysctl", FORWARD, Sysctl(FORWARD, "0"), Sysctl(FORWARD, "1"))])
    assert host.switch("ipv4/ip_forward") == "1"
    assert sysctl.read([FORWARD]) == {FORWARD: Sysctl(FORWARD, "1")}


def test_a_removal_leaves_the_switch_to_the_others(host: Any) -> None:
    host.set_switch("ipv4/ip_forward", "1")
    sysctl.apply([Change(REMOVE, "sysctl", FORWARD, Sysctl(FORWARD, "1"), None)])
    assert host.switch("ipv4/ip_forward") == "1"


@pytest.mark.usefixtures("host")
def test_a_switch_that_the_kernel_lacks_is_left_out_and_cannot_be_written() -> None:
    name = "net.ipv4.no_such_switch"
    assert sysctl.read([name]) == {}
    with pytest.raises(KernelError, match=r"^sysctl net\.ipv4\.no_such_switch: this kernel has no such switch$"):
        sysctl.apply([Change(ADD, "sysctl", name, None, Sysctl(name, "1"))])


@pytest.mark.usefixtures("host")
def test_a_value_that_the_kernel_refuses() -> None:
    with pytest.raises(KernelError, match=r"^sysctl net\.ipv4\.ip_forward: Invalid argument$"):
        sysctl.apply([Change(ADD, "sysctl", FORWARD, None, Sysctl(FORWARD, "maybe"))])
