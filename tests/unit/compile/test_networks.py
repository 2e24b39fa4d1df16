# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cutting networks out of networks, judged by somebody who writes down every single address."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.networks import collapsed, without

# 64 addresses of each family, so that all of them can be written down.
SPACES = {4: ip_network("10.9.8.64/26"), 6: ip_network("fd00::40/122")}


@st.composite
def networks(draw):
    """Any network within one of the spaces, a single address among them."""
    space = SPACES[draw(st.sampled_from((4, 6)))]
    bits = draw(st.integers(0, 6))
    number = draw(st.integers(0, 63)) >> bits << bits
    return f"{space[number]}/{space.max_prefixlen - bits}"


LISTS = st.lists(networks(), max_size=6)


def every_address(texts):
    return {str(address) for text in texts for address in ip_network(text)}


@given(LISTS, LISTS)
def test_what_is_left_is_exactly_what_was_not_cut_out(whole, holes):
    found = without(whole, holes)
    assert every_address(found) == every_address(whole) - every_address(holes)
    assert found == collapsed(found)


@given(LISTS)
def test_collapsing_neither_adds_nor_loses_an_address(texts):
    assert every_address(collapsed(texts)) == every_address(texts)


@given(LISTS, st.randoms(use_true_random=False))
def test_one_set_of_addresses_has_one_spelling(texts, random):
    single = sorted(every_address(texts))
    assert collapsed(random.sample(texts, len(texts))) == collapsed(texts) == collapsed(single)


@given(LISTS)
def test_nothing_overlaps_and_nothing_could_be_one_network(texts):
    found = [ip_network(text) for text in collapsed(texts)]
    for one, other in zip(found, found[1:]):
        assert (one.version, one.network_address) < (other.version, other.network_address)
        if one.version == other.version:
            assert not one.overlaps(other)
            assert one.prefixlen != other.prefixlen or one.supernet() != other.supernet()


@given(LISTS)
def test_everything_without_something_is_the_rest_of_the_world(holes):
    found = without(("0.0.0.0/0", "::/0"), holes)
    sizes = {4: 2**32, 6: 2**128}
    for text in map(ip_network, (*found, *collapsed(holes))):
        sizes[text.version] -= text.num_addresses
    assert sizes == {4: 0, 6: 0}


@pytest.mark.parametrize(
    ("whole", "holes", "left"),
    [
        (("10.0.0.0/30",), ("10.0.0.1/32",), ("10.0.0.0/32", "10.0.0.2/31")),
        (("10.0.0.0/30",), ("10.0.0.0/8",), ()),
        (("10.0.0.0/30",), ("::/0",), ("10.0.0.0/30",)),
        (("fd00::1", "10.0.0.1"), (), ("10.0.0.1/32", "fd00::1/128")),
        (("10.0.1.0/24", "10.0.0.0/24"), (), ("10.0.0.0/23",)),
        ((), ("10.0.0.0/8",), ()),
    ],
)
def test_by_example(whole, holes, left):
    assert without(whole, holes) == left
