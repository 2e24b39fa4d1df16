# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One small domain that questions are asked about; the module's and the filter's tests ask about it too."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.explain import Explainer
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PROTOCOLS

DOMAIN = """\
version: 1
networks:
  prod: {cidrs: [10.20.0.0/16, "fd00:20::/64"]}
  dev: {cidrs: [10.30.0.0/16], mode: observe}
  old: {cidrs: [10.20.0.0/16]}
namespaces: {web: {network: prod}, build: {network: dev}, attic: {network: old}}
peers:
  web: {namespace: web, labels: {app: web}, addresses: [10.20.0.1, "fd00:20::1"]}
  api: {namespace: web, labels: {app: api}, addresses: [10.20.0.2]}
  db: {namespace: web, labels: {app: db}, subnets: [10.20.8.0/24]}
  batch: {namespace: web, labels: {job: batch}, addresses: [10.20.0.4]}
  laptop: {namespace: web, addresses: [10.20.0.9]}
  six: {namespace: web, addresses: ["fd00:20::6"]}
  runner: {namespace: build, addresses: [10.30.0.1]}
  cache: {namespace: build, addresses: [10.30.0.2]}
  relic: {namespace: attic, addresses: [10.20.0.2]}
policies:
  api-in:
    namespace: web
    select: {matchLabels: {app: api}}
    ingress: [{from: [{peers: {matchLabels: {app: web}}}], ports: [{protocol: TCP, port: 443}]}]
  db-in:
    namespace: web
    select: {matchLabels: {app: db}}
    ingress:
      - from: [{peers: {matchLabels: {app: api}}}, {peers: {matchLabels: {job: batch}}}]
        ports: [{protocol: TCP, port: 5432}]
      - {action: deny, from: [{peers: {matchLabels: {app: web}}}]}
  db-more:
    namespace: web
    select: {matchLabels: {app: db}}
    ingress: [{from: [{cidr: 198.51.100.0/24}], ports: [{protocol: ICMP, type: 8}]}]
  web-out:
    namespace: web
    select: {matchExpressions: [{key: app, operator: Exists}]}
    egress: [{to: [{}]}, {to: [{cidr: 203.0.113.0/24}], ports: [{protocol: UDP}]}]
  batch-out:
    namespace: web
    select: {matchLabels: {job: batch}}
    egress: [{to: [{cidr: 10.20.8.0/28}]}]
"""


def tenancy():
    return parse(DOMAIN, "domain.yaml").tenancy()


def maps():
    return compile_policy(tenancy(), {}, EMPTY).maps


def explained(source, destination, port, protocol="TCP"):
    """The only explanation."""
    (found,) = Explainer(maps()).explain(source, destination, PROTOCOLS[protocol], port)
    return found
