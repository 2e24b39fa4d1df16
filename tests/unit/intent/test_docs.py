# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What docs/ and the example say about domain.yaml is what the description says."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import yaml

from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import DOMAIN, parse

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "inventories" / "example"


class EditorLoader(yaml.SafeLoader):
    """Reads as editors do, by YAML 1.2: there a date is a text."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_up_to_date():
    for path, text in generator().written().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `make docs`"


def test_the_schema_is_one():
    jsonschema.Draft7Validator.check_schema(
        json.loads((ROOT / "docs" / "domain.schema.json").read_text(encoding="utf-8"))
    )


def test_the_faults_on_the_page_are_real_ones():
    page = (ROOT / "docs" / "intent.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", page, re.DOTALL).group(1)
    case = Path(__file__).parent / "cases" / "the_faults_that_the_documentation_shows"
    assert shown == (case / "expected.txt").read_text(encoding="utf-8")


def test_the_domains_on_the_page_are_whole_and_there_is_nothing_to_note():
    page = (ROOT / "docs" / "intent.md").read_text(encoding="utf-8")
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert [parse(text, "domain.yaml").notes for text in shown] == [(), ()]


def test_the_tenancy_on_the_page_of_policies_is_whole_and_there_is_nothing_to_note():
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert parse(shown, "domain.yaml").notes == ()


def test_the_example_says_the_overlays_defaults():
    text = (EXAMPLE / "domain.yaml").read_text(encoding="utf-8")
    assert parse(text, "domain.yaml").overlay == parse("version: 1\noverlay: {}\n", "domain.yaml").overlay


def test_there_is_nothing_to_note_about_the_example():
    assert parse((EXAMPLE / "domain.yaml").read_text(encoding="utf-8"), "domain.yaml").notes == ()


def test_the_servers_and_managed_clients_of_the_example_are_in_its_inventory():
    intent = parse((EXAMPLE / "domain.yaml").read_text(encoding="utf-8"), "domain.yaml")
    groups = yaml.safe_load((EXAMPLE / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
    hosts = {host for group in groups.values() for host in group["hosts"]}
    assert {*intent.servers, *(client.host for client in intent.clients.values() if client.host)} <= hosts


def test_the_example_mentions_every_field():
    text = (EXAMPLE / "domain.yaml").read_text(encoding="utf-8")
    for row in DOMAIN.rows(""):
        assert re.search(rf"^ *(# +)?(- )?{row.path.rpartition('.')[2]}:", text, re.MULTILINE), row.path


def test_the_editor_line_of_the_example_leads_to_the_schema():
    first = (EXAMPLE / "domain.yaml").read_text(encoding="utf-8").splitlines()[0]
    target = first.removeprefix("# yaml-language-server: $schema=")
    schema = json.loads((EXAMPLE / target).read_text(encoding="utf-8"))
    jsonschema.validate(yaml.load((EXAMPLE / "domain.yaml").read_text(encoding="utf-8"), EditorLoader), schema)  # noqa: S506


def test_the_example_inventory_has_the_groups():
    groups = yaml.safe_load((EXAMPLE / "hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
    assert list(groups) == ["hubs", "runners", "routers", "nas"]
