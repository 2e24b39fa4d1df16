# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Overlap of prefixes, against the library's own answer."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.diff.prefix import is_default, network, overlap

PREFIXES = st.one_of(
    st.tuples(st.ip_addresses(v=4, network="10.0.0.0/14"), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6, network="2001:db8::/62"), st.integers(0, 128)),
).map(lambda pair: f"{pair[0]}/{pair[1]}")


@given(PREFIXES, PREFIXES)
def test_two_prefixes_overlap_where_they_share_an_address(one, other):
    left, right = ip_network(one, strict=False), ip_network(other, strict=False)
    expected = left.version == right.version and left.overlaps(right)
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_an_address_without_a_length_is_that_address_alone():
    assert overlap("10.0.0.0/8", "10.8.0.2")
    assert not overlap("10.0.0.0/8", "192.0.2.1")
    assert not overlap("10.0.0.0/8", "::ffff:10.8.0.2")


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "8000::/1"])
def test_a_default_route_may_come_in_two_halves(prefix):
    assert is_default(prefix)


def test_other_routes_are_no_default():
    assert not is_default("10.0.0.0/8")


def test_the_connected_network_of_an_address():
    assert network("198.18.0.10/24") == "198.18.0.0/24"
    assert network("2001:db8::10/64") == "2001:db8::/64"
