# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Networks, namespaces, peers, policies and tests that hold, as their users would write them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.unit.intent.domains import subset

KEYS = ["app", "tier", "example.net/floor"]
VALUES = ["", "a", "b", "true", "1"]
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))
SOME_VALUES = st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True)
EXPRESSIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(KEYS),
            "operator": st.sampled_from(["In", "NotIn"]),
            "values": SOME_VALUES,
        }
    ),
    st.fixed_dictionaries({"key": st.sampled_from(KEYS), "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
SELECTORS = st.fixed_dictionaries({}, optional={
    "matchLabels": LABELS,
    "matchExpressions": st.lists(EXPRESSIONS, max_size=3),
})  # fmt: skip
CIDRS = st.sampled_from(
    [
        {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "192.0.2.0/24"]},
        {"cidr": "::/0"},
        {"cidr": "10.1.0.0/16", "except": ["10.1.3.0/24"]},
        {"cidr": "fd00:2::/32"},
    ]
)
# Of namespaces, only such as select one that can be reached.
OTHERS = st.one_of(
    CIDRS,
    st.fixed_dictionaries({}, optional={"peers": SELECTORS}),
    st.fixed_dictionaries({"namespaces": st.just({})}, optional={"peers": SELECTORS}),
)


@st.composite
def ports(draw):
    protocol = draw(st.sampled_from(["TCP", "UDP", "SCTP", "ICMP", "ICMPv6"]))
    if protocol.startswith("ICMP"):
        return {"protocol": protocol, **subset(draw, {"type": draw(st.integers(0, 255))})}
    first = draw(st.integers(1, 65535))
    span = {"port": first, **subset(draw, {"end": draw(st.integers(first, 65535))})}
    return {"protocol": protocol, **draw(st.sampled_from([{}, span]))}


def rules(others):
    return st.lists(
        st.fixed_dictionaries({}, optional={
            "action": st.sampled_from(["allow", "deny"]),
            others: st.lists(OTHERS, max_size=3),
            "ports": st.lists(ports(), max_size=3),
        }),
        max_size=3,
    )  # fmt: skip


@st.composite
def tests(draw, peers):
    protocol = draw(st.sampled_from(["TCP", "UDP", "SCTP", "ICMP"]))
    what = {"type": draw(st.integers(0, 255))} if protocol == "ICMP" else {"port": draw(st.integers(1, 65535))}
    ends = draw(st.permutations([draw(st.sampled_from(peers)), draw(st.sampled_from([*peers, "192.0.2.1"]))]))
    # Between networks that are not peered nothing else holds.
    return {"from": ends[0], "to": ends[1], "protocol": protocol, **what, "expect": "deny"}


@st.composite
def tenancies(draw):
    count = draw(st.integers(1, 3))
    names = [f"net{number}" for number in range(count)]
    pairs = [(one, other) for one in names for other in names if one < other and draw(st.booleans())]
    networks = {
        name: {
            "cidrs": draw(st.sampled_from([[f"10.{number}.0.0/16", f"fd00:{number}::/32"], ["10.1.0.0/16"]])),
            **subset(draw, {"mtu": draw(st.integers(1280, 65535)), "mode": "observe", "id": number + 1}),
            **(
                {"peered": peered} if (peered := [(set(pair) - {name}).pop() for pair in pairs if name in pair]) else {}
            ),
        }
        for number, name in enumerate(names)
    }
    spaces = {
        f"space{number}": {"network": draw(st.sampled_from(names)), **subset(draw, {"labels": draw(LABELS)})}
        for number in range(draw(st.integers(1, 4)))
    }
    peers = {}
    for number in range(draw(st.integers(1, 5))):
        space = draw(st.sampled_from(sorted(spaces)))
        prefix = networks[spaces[space]["network"]]["cidrs"][0][: -len(".0.0/16")]
        being = draw(st.sampled_from([
            {"addresses": [f"{prefix}.9.{number}"]},
            {"subnets": [f"{prefix}.{number}.0/24"]},
            {"client": f"client{number}"},
            {"server": f"server{number}"},
            {"runner": f"runner{number}"},
        ]))  # fmt: skip
        peers[f"peer{number}"] = {"namespace": space, **subset(draw, {"labels": draw(LABELS)}), **being}
    policies = {
        f"policy{number}": {
            **draw(st.sampled_from([{"namespace": "space0"}, {"network": names[0]}])),
            "select": draw(SELECTORS),
            **subset(draw, {"mode": draw(st.sampled_from(["enforce", "observe"]))}),
            **subset(draw, {"ingress": draw(rules("from")), "egress": draw(rules("to"))}),
        }
        for number in range(draw(st.integers(0, 3)))
    }
    return {
        "networks": networks,
        "namespaces": spaces,
        "peers": peers,
        "policies": policies,
        "tests": draw(st.lists(tests(sorted(peers)), max_size=3)),
    }


def shuffled(draw, value):
    """The same with the keys of its mappings in another order."""
    if isinstance(value, dict):
        return {key: shuffled(draw, value[key]) for key in draw(st.permutations(list(value)))}
    return [shuffled(draw, item) for item in value] if isinstance(value, list) else value
