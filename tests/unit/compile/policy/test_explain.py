# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Between names, everything is said that is true of some of their addresses, and nothing else."""

from __future__ import annotations

from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.explain import Explainer
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from tests.unit.compile.policy.reference import Reference
from tests.unit.compile.policy.tenancies import OUTSIDE, PORTS, TYPES, block, domains
from tests.unit.compile.policy.test_meaning import FEW, in_words


def parts(reference, peer):
    """Every address that is the peer's in its own network."""
    for prefix in reference.prefixes(peer):
        for address in prefix:
            if reference.who(reference.network_of(peer), address) == peer:
                yield address


def truths(reference, source, destination, protocol, port):
    """What is said of the addresses of two peers."""
    found = set()
    reached = reference.network_of(destination) in reference.reached(reference.network_of(source))
    for one in parts(reference, source):
        for other in parts(reference, destination):
            family = {1: 4, 58: 6}.get(protocol, one.version)
            if one.version == other.version == family:
                said = reference.between(source, one, destination, other, protocol, port)[:4]
                found.add(said if reached else ("deny", False, None, "NETWORK"))
    return found


def question(data):
    protocol = data.draw(st.sampled_from((6, 17, 1, 58)))
    return protocol, data.draw(st.sampled_from(TYPES if protocol in (1, 58) else PORTS))


@settings(FEW, max_examples=300)
@given(domains(), st.data())
def test_between_names_the_explanations_are_what_is_true_of_their_addresses(domain, data):
    tenancy, places, _numbers = domain
    reference, explainer = Reference(tenancy, places), Explainer(compile_policy(tenancy, places, EMPTY).maps)
    for _question in range(3):
        source, destination = (data.draw(st.sampled_from(sorted(tenancy.peers))) for _end in range(2))
        what = question(data)
        found = explainer.explain(source, destination, *what)
        assert {in_words(one)[:4] for one in found} == truths(reference, source, destination, *what)
        assert {one.source.name for one in found} <= {source}
        assert {one.destination.name for one in found} <= {destination}


@settings(FEW, max_examples=300)
@given(domains(), st.data())
def test_of_an_address_and_a_name_the_explanations_are_what_is_true_of_the_peers_addresses(domain, data):
    tenancy, places, numbers = domain
    reference, explainer = Reference(tenancy, places), Explainer(compile_policy(tenancy, places, EMPTY).maps)
    near = [str(address) for number in numbers for network in block(number) for address in network]
    for _question in range(3):
        peer = data.draw(st.sampled_from(sorted(tenancy.peers)))
        address = ip_address(data.draw(st.sampled_from((*near, *OUTSIDE))))
        what = question(data)
        network = reference.network_of(peer)
        own = [one for one in parts(reference, peer) if one.version == address.version]
        family = {1: 4, 58: 6}.get(what[0], address.version) == address.version
        for found, packets in (
            (explainer.explain(peer, str(address), *what), [(one, address) for one in own]),
            (explainer.explain(str(address), peer, *what), [(address, one) for one in own]),
        ):
            expected = {reference.judge(network, *packet, *what)[:4] for packet in packets if family}
            assert {in_words(one)[:4] for one in found} == expected
