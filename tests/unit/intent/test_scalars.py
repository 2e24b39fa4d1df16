# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Single values of the WireGuard plane, each against somebody else's reading of the same text."""

from __future__ import annotations

import base64
import ipaddress
from datetime import datetime, timedelta, timezone

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.hostname import Hostname
from ansible_collections.weft.overlay.plugins.module_utils.intent.key import PublicKey
from ansible_collections.weft.overlay.plugins.module_utils.intent.label import LabelKey, LabelValue
from ansible_collections.weft.overlay.plugins.module_utils.intent.moment import Moment
from ansible_collections.weft.overlay.plugins.module_utils.intent.scalar import MisfitError
from ansible_collections.weft.overlay.plugins.module_utils.intent.text import Folder, Line

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
P = 2**255 - 19
ME = X25519PrivateKey.generate()


def fits(kind, text):
    """Whether the kind takes it; the schema for editors may take more, never less."""
    try:
        kind.parse(text)
    except MisfitError:
        return False
    assert jsonschema.Draft7Validator(kind.schema()).is_valid(text)
    return True


def is_canonical(text):
    """Whether encoding gives the text again."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return len(raw) == 32 and base64.b64encode(raw).decode() == text


def is_usable(raw):
    """Whether a handshake with the key has a secret, as the library for it says that did the multiplication."""
    try:
        return bool(ME.exchange(X25519PublicKey.from_public_bytes(raw)))
    except ValueError:
        return False


@given(st.binary(min_size=32, max_size=32))
def test_every_key_that_wg_writes_is_a_key(raw):
    assert fits(
        PublicKey(), base64.b64encode(X25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()).decode()
    )


@given(st.binary(min_size=30, max_size=34), st.sampled_from(ALPHABET + "=-_ \n"), st.integers(0, 47))
@example(bytes(32), "B", 42)
@example(b"\x01" * 32, "B", 42)
def test_a_key_is_32_bytes_in_canonical_base64(raw, character, place):
    text = base64.b64encode(raw).decode()
    for candidate in (text, text[:place] + character + text[place + 1 :], text + "\n", text.rstrip("=")):
        canonical = is_canonical(candidate)
        assert fits(PublicKey(), candidate) == (canonical and is_usable(base64.b64decode(candidate)))


@pytest.mark.parametrize("high_bit", [0, 2**255])
@pytest.mark.parametrize("number", [*range(3), *range(P - 2, 2**255),
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823])  # fmt: skip
def test_low_order_points_are_refused_in_all_their_encodings(number, high_bit):
    raw = (number + high_bit).to_bytes(32, "little")
    assert fits(PublicKey(), base64.b64encode(raw).decode()) == is_usable(raw)


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)), st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_a_time_is_what_datetime_says(moment, offset):
    zoned = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    assert Moment().parse(zoned.isoformat()) == zoned.timestamp()
    if offset == 0:
        assert Moment().parse(zoned.isoformat().replace("+00:00", "Z")) == zoned.timestamp()
    assert fits(Moment(), zoned.isoformat())


@given(st.dates(datetime(2000, 1, 1).date(), datetime(2099, 12, 31).date()))
def test_a_day_ends_when_the_next_one_begins(day):
    ends = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + timedelta(days=1)
    assert Moment().parse(day.isoformat()) == ends.timestamp()


@given(st.integers(2000, 2099), st.integers(0, 13), st.integers(0, 32))
def test_a_day_that_is_in_no_calendar_is_refused(year, month, day):
    text = f"{year}-{month:02}-{day:02}"
    try:
        datetime(year, month, day)
    except ValueError:
        assert not fits(Moment(), text)
    else:
        assert fits(Moment(), text)


@given(st.ip_addresses())
def test_an_endpoint_may_be_an_address_that_others_can_reach(address):
    mapped = address.version == 6 and address.ipv4_mapped is not None
    future = address.version == 4 and int(address) >> 28 == 15
    this = address.version == 4 and int(address) >> 24 == 0
    odd = address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local
    assert fits(Hostname(), str(address)) == (not (odd or mapped or future or this))


@given(st.lists(st.text(st.sampled_from("abC-09_"), max_size=5), min_size=1, max_size=4).map(".".join))
def test_an_endpoint_may_be_a_host_name(text):
    labels = text.split(".")
    assume(not labels[-1].isdigit())
    good = all(label and "_" not in label and not label.startswith("-") and not label.endswith("-") for label in labels)
    assert fits(Hostname(), text) == good
    if good:
        assert Hostname().parse(text) == text.lower()


@pytest.mark.parametrize(
    "text", ["1.2.3", "1.2.3.4.5", "host.1", "10", "[::1]", "192.0.2.1:51820", "a b", "a\n", "é.net"]
)
def test_what_only_looks_like_an_endpoint_is_none(text):
    assert not fits(Hostname(), text)


NO_FOLDERS = [
    *("/srv", "/", "srv/weft", "/srv/weft/", "/srv/../etc", "/srv//weft", "/srv/.weft", "/srv/-x", "/srv/a b"),
    *("/srv/$x", "/proc/1", "/tmp/x", "/run/x", "/dev/shm", "/sys/x", "/srv/weft\n", "/" + "a/" * 120 + "b", ""),
]


@pytest.mark.parametrize("text", NO_FOLDERS)
def test_a_folder_is_ours_alone_and_stays(text):
    assert not fits(Folder(), text)
    assert fits(Folder(), "/srv/weft")
    assert fits(Folder(), "/volume1/backup_2/weft.d")


@given(st.text(max_size=300))
def test_a_line_is_one_line_that_can_be_printed(text):
    assert fits(Line(200), text) == (bool(text.strip()) and text.isprintable() and len(text) <= 200)


@given(st.text(st.sampled_from("aZ0-_./"), max_size=66))
@example("a" * 63)
@example("a" * 64)
@example("a." + "b" * 63 + "/x")
@example("a." + "b" * 64 + "/x")
@example("a" * 62 + ".")
def test_labels_are_what_kubernetes_takes(text):
    def is_name(name):
        return 0 < len(name) <= 63 and name[0].isalnum() and name[-1].isalnum() and "/" not in name

    def is_domain(domain):
        parts = domain.split(".")
        return domain == domain.lower() and all(
            0 < len(part) <= 63 and part[0] != "-" and part[-1] != "-" and "_" not in part for part in parts
        )

    domain, slash, name = text.rpartition("/")
    assert fits(LabelValue(), text) == (text == "" or is_name(text))
    assert fits(LabelKey(), text) == (is_name(name) and (not slash or (is_domain(domain) and "/" not in domain)))


def test_a_mapped_address_is_no_address_of_the_tunnel():
    assert not fits(Hostname(), str(ipaddress.ip_address("::ffff:192.0.2.1")))
