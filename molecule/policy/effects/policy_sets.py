"""Policy sets for the matrix: some by hand, each with a point to it, and as many as you like by seed."""

from __future__ import annotations

from random import Random
from typing import Any

ALL: dict[str, Any] = {}
EVERYTHING = {"network": "shop", "select": {}, "ingress": [{}], "egress": [{}]}
LISTEN = {"network": "shop", "select": {}, "ingress": [{}]}
SPEAK = {"network": "shop", "select": {}, "egress": [{}]}
WEB, APP, DB = ({"matchLabels": {"app": name}} for name in ("web", "app", "db"))
FRONT, MIDDLE, BACK = ({"matchLabels": {"tier": name}} for name in ("front", "middle", "back"))
TCP80 = [{"protocol": "TCP", "port": 80}]


def _one(**said: Any) -> dict[str, Any]:
    return {"speak": SPEAK, "one": {"network": "shop", "select": {}, **said}}


def _deny(**said: Any) -> dict[str, Any]:
    return {"all": EVERYTHING, "but": {"network": "shop", "select": {}, **said}}


BY_HAND: dict[str, dict[str, Any]] = {
    "no_policy_at_all": {},
    "everything": {"all": EVERYTHING},
    "everybody_speaks_and_nobody_listens": {"speak": SPEAK},
    "everybody_listens_and_nobody_speaks": {"listen": LISTEN},
    "tcp_80_alone": _one(ingress=[{"ports": TCP80}]),
    "udp_alone": _one(ingress=[{"ports": [{"protocol": "UDP"}]}]),
    "a_range_of_both": _one(ingress=[{"ports": [{"protocol": "TCP", "port": 80, "end": 81}]}]),
    "one_namespace_listens": {"speak": SPEAK, "in": {"namespace": "db", "select": {}, "ingress": [{}]}},
    "web_to_app_to_db": {
        "speak": SPEAK,
        "app": {"namespace": "app", "select": {}, "ingress": [{"from": [{"namespaces": FRONT}], "ports": TCP80}]},
        "db": {"namespace": "db", "select": {}, "ingress": [{"from": [{"namespaces": MIDDLE}]}]},
    },
    "own_namespace_alone": {
        "speak": SPEAK,
        **{name: {"namespace": name, "select": {}, "ingress": [{"from": [{"peers": {}}]}]} for name in ("web", "db")},
    },
    "a_denial_beats_a_permission": _deny(ingress=[{"action": "deny", "from": [{"namespaces": {}, "peers": WEB}]}]),
    "a_denial_on_the_way_out": _deny(egress=[{"action": "deny", "to": [{"namespaces": BACK}], "ports": TCP80}]),
    "a_cidr_with_an_exception": _one(
        ingress=[{"from": [{"cidr": "10.0.0.0/8", "except": ["10.2.0.0/16", "10.3.1.2/32"]}]}]
    ),
    "one_site_by_expressions": _one(
        ingress=[
            {
                "from": [
                    {
                        "namespaces": {},
                        "peers": {
                            "matchExpressions": [
                                {"key": "site", "operator": "In", "values": ["s1", "s2"]},
                                {"key": "app", "operator": "NotIn", "values": ["db"]},
                            ]
                        },
                    }
                ]
            }
        ]
    ),
    "observed_policies_drop_nothing": {
        "all": {**SPEAK, "ingress": [{"ports": TCP80}], "mode": "observe"},
    },
}


def by_seed(seed: int) -> dict[str, Any]:
    """Policies of two to six, with selectors, ports, denials and both directions."""
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it

    def selector() -> dict[str, Any]:
        return choose.choice(
            (
                {},
                {"matchLabels": {"app": choose.choice(("web", "app", "db"))}},
                {"matchLabels": {"site": choose.choice(("s1", "s2", "s3"))}},
                {"matchExpressions": [{"key": "site", "operator": "NotIn", "values": [choose.choice(("s1", "s2"))]}]},
            )
        )

    def others() -> dict[str, Any]:
        return choose.choice(
            (
                {"peers": selector()},
                {"namespaces": {}, "peers": selector()},
                {"namespaces": choose.choice((FRONT, MIDDLE, BACK))},
                {"cidr": f"10.{choose.randint(1, 3)}.0.0/16"},
                {"cidr": "10.0.0.0/8", "except": [f"10.{choose.randint(1, 3)}.1.{choose.randint(1, 3)}/32"]},
            )
        )

    def ports() -> list[dict[str, Any]]:
        port = {"protocol": choose.choice(("TCP", "UDP")), "port": choose.choice((80, 81))}
        return choose.choice(([], [port], [{"protocol": port["protocol"]}], [{**port, "port": 79, "end": 80}]))

    def rules(key: str) -> list[dict[str, Any]]:
        found = []
        for _rule in range(choose.randint(0, 3)):
            rule: dict[str, Any] = {"ports": ports(), key: [others() for _entry in range(choose.randint(0, 2))]}
            if choose.random() < 0.25:
                rule["action"] = "deny"
            found.append(rule)
        return found

    policies = {"speak": SPEAK} if choose.random() < 0.5 else {"all": EVERYTHING} if choose.random() < 0.4 else {}
    for number in range(choose.randint(2, 6)):
        scope = choose.choice(({"network": "shop"}, {"namespace": choose.choice(("web", "app", "db"))}))
        policies[f"p{number}"] = {**scope, "select": selector(), "ingress": rules("from"), "egress": rules("to")}
    return policies
