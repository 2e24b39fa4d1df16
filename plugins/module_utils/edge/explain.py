# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The explain door: from compiled maps and a question to an answer, as data and as lines. Nobody is contacted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from ..compile.policy.answer import Answer, Words, answers
from ..compile.policy.explain import Explainer, peers_of
from ..compile.policy.matrix import matrix
from ..compile.policy.permissions import Permissions, contradicts
from ..intent.domain import parse
from ..intent.question import question, table
from ..model.errors import PlanError
from ..model.policy import Identity, PolicyMaps
from ..model.policy_text import from_document, from_json
from .project import read_source

_COMPILE = "compile it again: ansible-playbook weft.overlay.plan -e offline=true"


class Known(NamedTuple):
    """What questions are answered from. permissions: of the intent that the maps came of; None: it is not at hand."""

    maps: PolicyMaps
    permissions: Permissions | None = None


def policy_path(build: str) -> str:
    """Where the maps of the whole domain lie."""
    return f"{build}/policy.json"


def read_known(build: str, intent: str | None) -> Known:
    """build: the folder. intent: path of domain.yaml, None: answers are from the maps alone. Raises PlanError where
    there are no maps, or others than of this intent; IntentError for an intent that cannot be read."""
    path = policy_path(build)
    try:
        with open(path, encoding="utf-8") as stream:
            maps = from_json(stream.read())
    except FileNotFoundError as error:
        message = f"{path} is not there: the intent has no networks, or was not compiled; {_COMPILE}"
        raise PlanError(message) from error
    except (OSError, UnicodeDecodeError, PlanError) as error:
        raise PlanError(f"{path}: cannot be read ({error}); {_COMPILE}") from error
    return known(maps, read_source(intent) if intent else None, intent or "")


def known(maps: PolicyMaps | Mapping[str, Any] | str, intent: str | bytes | None, file: str) -> Known:
    """maps: also as the text of policy.json, or as what a reader of JSON makes of it. intent: the text of domain.yaml,
    None: not at hand. file: its name in faults. Raises as read_known does."""
    if isinstance(maps, str):
        maps = from_json(maps)
    elif not isinstance(maps, PolicyMaps):
        maps = from_document(maps)
    if intent is None:
        return Known(maps)
    permissions = Permissions(parse(intent, file).tenancy(), maps)
    if not permissions.may_be_of(maps):
        raise _of_another(file)
    return Known(maps, permissions)


def _of_another(file: str) -> PlanError:
    return PlanError(f"the policies were not compiled from {file or 'this intent'} as it is now; {_COMPILE}")


def explained(what: Known, said: Mapping[str, Any]) -> dict[str, Any]:
    """said: from, to, protocol, and port or type; None: not said. Raises QuestionError for a question that has no
    answer, PlanError for maps that contradict their intent.

    verdict: of all answers, "mixed": they differ, "none": there is none. answers: one of each two parts that the maps
    tell apart. lines: for a reader.
    """
    asked = question(said, _names(what.maps))
    found = answers(asked, Explainer(what.maps), what.permissions)
    for one in found:
        if one.sides and contradicts(one.found, one.sides):
            raise _of_another("")
    verdicts = {one.verdict() for one in found}
    networks = {network.number: network.name for network in what.maps.networks}
    return {
        "verdict": "mixed" if len(verdicts) > 1 else next(iter(verdicts), "none"),
        "answers": [_data(one, networks) for one in found],
        "lines": Words(what.maps).lines(asked, found),
    }


def tabled(what: Known, services: Iterable[str], peers: Collection[str]) -> list[str]:
    """Lines of tables. services: as TCP/443. peers: names, none: all. Raises QuestionError for what is no service, for
    peers that there are not, and for more of either than a table holds."""
    return matrix(table(services, peers, _names(what.maps)), Explainer(what.maps))


def _names(maps: PolicyMaps) -> list[str]:
    return [peer.name for peer in peers_of(maps)]


def _data(answer: Answer, networks: Mapping[int, str]) -> dict[str, Any]:
    found = answer.found
    return {
        "verdict": answer.verdict(),
        "rule": None if found.rule is None else found.rule.path(),
        "reason": None if found.reason is None else found.reason.name,
        "says": None if found.reason is None else found.reason.says,
        "from": _end(found.source, found.source_prefix, networks),
        "to": _end(found.destination, found.destination_prefix, networks),
        "sides": [
            {
                "direction": side.direction,
                "peer": side.peer,
                "policies": list(side.policies),
                "rule": None if side.rule is None else side.rule.path(),
            }
            for side in answer.sides
        ],
    }


def _end(found: Identity, prefix: str, networks: Mapping[int, str]) -> dict[str, Any]:
    return {
        "identity": found.number,
        "name": found.name,
        "network": networks.get(found.network),
        "prefix": prefix or None,
    }
