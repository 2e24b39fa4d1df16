# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A client's conf says all about itself, and nothing of one that is damaged is believed."""

from __future__ import annotations

import base64
import configparser
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients.keyfile import (
    interface_name,
    network_manager,
    secrets_in,
)
from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients.text import (
    NOTHING,
    Beside,
    Secrets,
    bare,
    key_alone,
    parse,
    read,
    render,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.client import ClientConfig
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import UNMADE


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


PHONE = ClientConfig(
    name="phone",
    link="wg0",
    public_key=key(1),
    given=False,
    addresses=("10.8.0.2/32", "fd00:8::2/128"),
    dns=("10.8.0.1", "fd00:8::1"),
    mtu=1420,
    server_key=key(2),
    endpoint="vpn.example.net:51820",
    allowed_ips=("10.8.0.1/32", "192.0.2.0/24", "fd00:8::1/128"),
    keepalive=25,
    preshared=True,
    about=("profile: home", "owner: Ada – “the first”"),
)
SECRETS = Secrets(key(3), key(4))
TEXT = """\
# phone on wg0: written by weft.overlay; changes are overwritten
# PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
# profile: home
# owner: Ada – “the first”
[Interface]
PrivateKey = AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=
Address = 10.8.0.2/32, fd00:8::2/128
DNS = 10.8.0.1, fd00:8::1
MTU = 1420

[Peer]
PublicKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
PresharedKey = BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=
Endpoint = vpn.example.net:51820
AllowedIPs = 10.8.0.1/32, 192.0.2.0/24, fd00:8::1/128
PersistentKeepalive = 25

"""

keys = st.binary(min_size=32, max_size=32).map(lambda data: base64.b64encode(data).decode())
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", fullmatch=True)
prefixes = st.one_of(
    st.ip_addresses(v=4).map(lambda address: f"{address}/32"),
    st.ip_addresses(v=6).map(lambda address: f"{address}/128"),
)
lines = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=40)
configs = st.builds(
    ClientConfig,
    name=names,
    link=names,
    public_key=keys,
    given=st.booleans(),
    addresses=st.lists(prefixes, max_size=4).map(tuple),
    dns=st.lists(st.ip_addresses().map(str), max_size=3).map(tuple),
    mtu=st.integers(0, 65535),
    server_key=keys,
    endpoint=st.sampled_from(["vpn.example.net:51820", "192.0.2.1:1", "[2001:db8::1]:65535"]),
    allowed_ips=st.lists(prefixes, max_size=60).map(tuple),
    keepalive=st.integers(0, 65535),
    preshared=st.booleans(),
    about=st.lists(lines, max_size=4).map(tuple),
    whole=st.just(True),
)


def secrets_for(config: ClientConfig) -> Secrets:
    return Secrets(None if config.given else key(3), key(4) if config.preshared else None)


def test_a_conf_is_what_wg_quick_reads_with_all_else_in_comments():
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    assert render(PHONE, SECRETS) == f"{TEXT}# sha256 = {digest}\n"


@given(configs)
def test_whatever_is_written_is_read_again(config):
    secrets, beside = secrets_for(config), Beside("a" * 64, "none")
    text = render(config, secrets, beside)
    assert parse(text) == config
    assert read(text) == (config, secrets, beside)


@given(names, keys)
def test_a_key_that_waits_for_its_plan_is_read_again(name, public_key):
    config = key_alone(name, public_key)
    assert read(render(config, Secrets(key(3)))) == (config, Secrets(key(3)), None)


@given(st.integers(0, len(render(PHONE, SECRETS).encode()) - 1), st.integers(0, 7))
def test_one_bit_that_flipped_is_noticed(place, bit):
    data = bytearray(render(PHONE, SECRETS).encode())
    data[place] ^= 1 << bit
    assert parse(data.decode(errors="replace")) == NOTHING


@given(st.integers(0, len(render(PHONE, SECRETS)) - 1))
def test_a_file_that_was_cut_off_is_noticed(length):
    assert parse(render(PHONE, SECRETS)[:length]) == NOTHING


def test_what_somebody_added_is_noticed():
    assert parse(render(PHONE, SECRETS) + "PostUp = true\n") == NOTHING
    assert parse(render(PHONE, SECRETS).replace("MTU = 1420", "MTU = 1300")) == NOTHING


def test_a_key_of_its_own_is_not_in_the_file():
    text = render(PHONE._replace(given=True), SECRETS._replace(private_key=None))
    assert "\nPrivateKey" not in text
    assert "# PrivateKey = (your own" in text
    assert parse(text).given


WRONG = {
    "a line break in a comment": (PHONE._replace(about=("x\nPostUp = true",)), SECRETS),
    "a line break in an address": (PHONE._replace(addresses=("10.8.0.2/32\nPostUp",)), SECRETS),
    "two networks in one": (PHONE._replace(allowed_ips=("10.0.0.0/8, 0.0.0.0/0",)), SECRETS),
    "an endpoint with a blank": (PHONE._replace(endpoint="vpn example:1"), SECRETS),
    "no endpoint": (PHONE._replace(endpoint=""), SECRETS),
    "a name that leads elsewhere": (PHONE._replace(name="../phone"), SECRETS),
    "no private key": (PHONE, SECRETS._replace(private_key=None)),
    "no preshared key": (PHONE, SECRETS._replace(preshared=None)),
    "a preshared key that is not wanted": (PHONE._replace(preshared=False), SECRETS),
    "a server's key that is not made yet": (PHONE._replace(server_key=UNMADE), SECRETS),
    "a private key of the wrong length": (PHONE, SECRETS._replace(private_key="AAAA")),
}


@pytest.mark.parametrize(("config", "secrets"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("write", [render, network_manager])
def test_what_would_be_read_as_something_else_is_refused_without_telling_a_key(write, config, secrets):
    with pytest.raises(KernelError) as caught:
        write(config, secrets)
    assert not any(secret in str(caught.value) for secret in (key(3), key(4), "AAAA"))


def test_what_a_camera_reads_has_no_comments():
    text = bare(render(PHONE, SECRETS))
    assert "#" not in text
    assert text.splitlines()[:3] == ["[Interface]", f"PrivateKey = {key(3)}", "Address = 10.8.0.2/32, fd00:8::2/128"]


def keyfile(config: ClientConfig) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.read_string(network_manager(config, secrets_for(config)))
    return parser


def test_the_keyfile_says_the_same_to_network_manager():
    found = keyfile(PHONE)
    assert dict(found["wireguard"]) == {
        "private-key": key(3),
        "mtu": "1420",
        "ip4-auto-default-route": "0",
        "ip6-auto-default-route": "0",
    }
    assert dict(found[f"wireguard-peer.{key(2)}"]) == {
        "endpoint": "vpn.example.net:51820",
        "preshared-key": key(4),
        "preshared-key-flags": "0",
        "persistent-keepalive": "25",
        "allowed-ips": "10.8.0.1/32;192.0.2.0/24;fd00:8::1/128;",
    }
    assert found["connection"]["autoconnect"] == "false"
    assert (found["ipv4"]["address1"], found["ipv6"]["address1"]) == PHONE.addresses
    assert (found["ipv4"]["dns"], found["ipv6"]["dns"]) == ("10.8.0.1;", "fd00:8::1;")
    assert found["ipv4"]["never-default"] == found["ipv6"]["never-default"] == "true"


def test_a_full_tunnel_takes_the_default_route_of_both_families_also_with_addresses_of_one():
    found = keyfile(PHONE._replace(addresses=("10.8.0.2/32",), dns=(), allowed_ips=("0.0.0.0/0", "::/0")))
    assert found["wireguard"]["ip6-auto-default-route"] == "1"
    assert (found["ipv6"]["method"], found["ipv6"]["never-default"]) == ("manual", "false")


def test_a_split_tunnel_leaves_a_family_without_addresses_alone():
    found = keyfile(PHONE._replace(addresses=("10.8.0.2/32",), dns=(), allowed_ips=("192.0.2.0/24",)))
    assert dict(found["ipv6"]) == {"method": "disabled"}


def test_whose_key_network_manager_has_not_it_asks_for():
    found = keyfile(PHONE._replace(given=True))
    assert "private-key" not in found["wireguard"]
    assert found["wireguard"]["private-key-flags"] == "1"


@given(configs)
def test_the_keyfile_is_a_second_place_of_the_keys(config):
    secrets = secrets_for(config)
    text = network_manager(config, secrets)
    assert secrets_in(text) == (config.public_key, secrets)
    assert secrets_in(text[:-2]) is None


@given(names)
def test_a_client_of_any_name_is_an_interface(name):
    found = interface_name(name)
    assert 0 < len(found) <= 15
    assert found not in ("all", "default", "lo", "bonding_masters")


def test_long_names_that_begin_alike_are_different_interfaces():
    assert interface_name("laptop-of-somebody-1") != interface_name("laptop-of-somebody-2")
