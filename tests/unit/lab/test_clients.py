# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VPN clients of the lab: what is read from `wg show` and from a configuration, and what a truth table says."""

from __future__ import annotations

import ast

import pytest

from lab import paths, reach, wg
from lab.shell import LabError

CONF = """\
[Interface]
PrivateKey = aaaa
Address = 172.27.0.2/32, fd00:27::2/128

[Peer]
AllowedIPs = 198.18.0.0/24
"""

# from `wg show wg0 dump`, wireguard-tools 1.0.20210914, with short keys
DUMP = (
    "private\tpublic\t51820\toff\n"
    "AAA=\t(none)\t198.19.1.10:46907\t172.27.0.2/32,fd00:27::2/128\t1795265049\t1076\t908\toff\n"
    "BBB=\tsecret\t(none)\t(none)\t0\t0\t0\t25\n"
)


def test_peers_are_read_from_wg_show():
    seen = wg.parse(DUMP)
    assert seen["AAA="] == wg.Seen(
        "AAA=", False, "198.19.1.10:46907", ("172.27.0.2/32", "fd00:27::2/128"), 1795265049, 1076, 908, 0
    )
    assert (seen["BBB="].preshared, seen["BBB="].allowed_ips, seen["BBB="].keepalive) == (True, (), 25)


def test_settings_of_a_configuration():
    assert wg.setting(CONF, "Address") == ["172.27.0.2/32", "fd00:27::2/128"]
    assert wg.setting(CONF, "DNS") == []
    assert wg.setting(wg.with_setting(CONF, "AllowedIPs", "0.0.0.0/0, ::/0"), "AllowedIPs") == ["0.0.0.0/0", "::/0"]


def test_a_setting_that_is_not_there_cannot_be_changed():
    with pytest.raises(LabError, match="0 lines MTU"):
        wg.with_setting(CONF, "MTU", "1280")


def test_a_truth_table_tells_both_what_is_missing_and_what_is_too_much():
    found = {
        reach.Case("a", "lan", "ipv4", "icmp"): "",
        reach.Case("a", "nas", "ipv6", "tcp"): "fd00:27::2",
        reach.Case("b", "lan", "ipv4", "icmp"): None,
        reach.Case("b", "nas", "ipv6", "tcp"): None,
    }
    lan, nas = ("lan", "icmp"), ("nas", "tcp")
    assert reach.wrong(found, {"a": [lan], "b": [lan]}) == [
        "a reached nas by ipv6 tcp",
        "b did not reach lan by ipv4 icmp",
    ]
    assert reach.wrong(found, {"a": [lan, nas], "b": []}) == []


@pytest.mark.parametrize("name", ["echo", "fetch", "flow", "probe"])
def test_agents_need_nothing_but_the_standard_library(name):
    tree = ast.parse(paths.agent(name))
    wanted = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert wanted <= {
        *("contextlib", "ctypes", "fcntl", "hashlib", "json", "os", "select", "selectors", "socket"),
        *("socketserver", "struct", "sys", "termios", "threading", "time"),
    }
