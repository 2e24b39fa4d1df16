# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Containers of one runner with the rights of the peers that their labels name, in packets."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import parse_tenancy
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bound
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import NetworkTag, Place
from tests.integration.bpf.hosts import until
from tests.integration.bpf.names import ADDRESSES
from tests.integration.bpf.stage import Stage
from tests.integration.guard.docker import NETWORK
from tests.integration.guard.scene import NUMBER, Scene

# Whoever is `shop` may ask db; nobody else may, and db is known by its address.
DOMAIN = """
networks: {prod: {cidrs: [10.20.0.0/16, 10.30.0.0/16]}}
namespaces: {all: {network: prod}}
peers:
  shop: {namespace: all, labels: {app: shop}, containers: {runners: [runner1], labels: {app: shop}}}
  blog: {namespace: all, labels: {app: blog}, containers: {runners: [runner1], labels: {app: blog}}}
  db: {namespace: all, labels: {app: db}, addresses: [10.20.0.3]}
policies:
  out: {namespace: all, select: {}, egress: [{}]}
  db-in:
    namespace: all
    select: {matchLabels: {app: db}}
    ingress: [{from: [{peers: {matchLabels: {app: shop}}}], ports: [{protocol: TCP, port: 5432}]}]
  blog-in:
    namespace: all
    select: {matchLabels: {app: blog}}
    ingress: [{from: [{peers: {matchLabels: {app: db}}}], ports: [{protocol: TCP, port: 5432}]}]
"""
COMPILED = compile_policy(
    parse_tenancy(DOMAIN, "domain.yaml"), {}, EMPTY, (), {"runner1": ("10.20.0.0/16", "10.30.0.0/16")}
).runners["runner1"]
NUMBERS = {identity.name: identity.number for identity in COMPILED.maps.identities}


@pytest.fixture
def labelled(scene: Scene) -> Scene:
    """Docker and the guard run, and so does db."""
    near = [place for place in COMPILED.maps.destinations if place.scope == 1]
    sources = tuple(Place(NUMBER, place.prefix, place.endpoint) for place in near)
    enforce(scene.stage, sources)
    scene.plan(NUMBER, COMPILED.labelled)
    scene.docker.start()
    scene.guard()
    run(scene, "db")
    return scene


def enforce(stage: Stage, sources: tuple[Place, ...]) -> None:
    stage.enforce(COMPILED.maps._replace(sources=sources, tags=(NetworkTag(1, 1),)))


def run(scene: Scene, name: str, address: str = "", **labels: str) -> None:
    """address: of somebody else, by name. All are on one link, so that nothing but the policy keeps them apart."""
    own = ADDRESSES[address or name][0]
    found = scene.plug(name)._replace(labels=labels, ends={NETWORK: (own, "")})
    neighbour = scene.neighbours[name]
    neighbour.run("ip", "address", "flush", "dev", "port", "scope", "global")
    neighbour.run("ip", "address", "add", f"{own}/8", "dev", "port")
    scene.docker.run(found)
    until(lambda: name in scene.bound(), f"{name} is not bound; {scene.said}")


def identities(scene: Scene) -> dict[str, int]:
    return {address: identity for (_port, address), identity in bound(scene.stage.folder).items()}


def test_two_containers_with_different_labels_have_different_rights(labelled: Scene) -> None:
    run(labelled, "web", app="shop")
    run(labelled, "far", app="blog")
    assert identities(labelled) == {
        ADDRESSES["web"][0]: NUMBERS["shop"],
        ADDRESSES["far"][0]: NUMBERS["blog"],
        ADDRESSES["db"][0]: 0,
    }
    labelled.comes_to_reach("web", "db")
    assert not labelled.reaches("far", "db")
    labelled.comes_to_reach("db", "far")
    assert not labelled.reaches("db", "web")
    assert any("web (10.20.0.2) as shop may speak" in line for line in labelled.said)


def test_a_container_without_labels_has_none_of_their_rights(labelled: Scene) -> None:
    run(labelled, "web")
    assert identities(labelled)[ADDRESSES["web"][0]] == 0
    assert not labelled.reaches("web", "db")


def test_a_declared_address_is_its_peers_whatever_the_label(labelled: Scene) -> None:
    labelled.remove("db")
    run(labelled, "db", app="blog")
    assert identities(labelled)[ADDRESSES["db"][0]] == 0
    until(
        lambda: any("not as blog" in line and "declared" in line for line in labelled.said),
        f"nobody was told: {labelled.said}",
    )
    run(labelled, "web", app="shop")
    labelled.comes_to_reach("web", "db")


def test_who_stops_is_bound_no_more_and_his_address_gives_the_next_one_no_rights(labelled: Scene) -> None:
    run(labelled, "web", app="shop")
    labelled.comes_to_reach("web", "db")
    labelled.remove("web")
    until(lambda: set(labelled.bound()) == {"db"}, "web is still bound")
    run(labelled, "far", "web", app="blog")
    assert identities(labelled)[ADDRESSES["web"][0]] == NUMBERS["blog"]
    assert not labelled.reaches("far", "db")
    labelled.remove("far")
    run(labelled, "far", "web", app="shop")
    labelled.comes_to_reach("far", "db")


def test_a_plan_with_other_labels_makes_a_running_container_another_peer(labelled: Scene) -> None:
    run(labelled, "web", app="shop")
    run(labelled, "far", app="blog")
    labelled.comes_to_reach("web", "db")
    swapped = tuple(
        one._replace(labels=(("app", "shop" if one.peer == "blog" else "blog"),)) for one in COMPILED.labelled
    )
    labelled.plan(NUMBER, swapped)
    until(lambda: identities(labelled)[ADDRESSES["web"][0]] == NUMBERS["blog"], f"web is shop still; {labelled.said}")
    assert not labelled.reaches("web", "db")
    labelled.comes_to_reach("far", "db")
