# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Selectors of labels, in the words of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .collection import List
from .label import LABELS, LabelKey, LabelValue
from .scalar import Choice
from .schema import Check, Field, Record, Where

IN = "In"
NOT_IN = "NotIn"
EXISTS = "Exists"
DOES_NOT_EXIST = "DoesNotExist"


class Expression(NamedTuple):
    """operator: IN, NOT_IN (both with values), EXISTS or DOES_NOT_EXIST (both without).

    NOT_IN also holds where the key is missing.
    """

    key: str
    operator: str
    values: tuple[str, ...]


class Selector(NamedTuple):
    """All of it holds at once; where it says nothing, it selects everything."""

    labels: Mapping[str, str]
    expressions: tuple[Expression, ...]


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether something with these labels is selected."""
    if any(labels.get(key) != value for key, value in selector.labels.items()):
        return False
    return all(_holds(expression, labels) for expression in selector.expressions)


def _holds(expression: Expression, labels: Mapping[str, str]) -> bool:
    key, operator, values = expression
    if operator in (EXISTS, DOES_NOT_EXIST):
        return (key in labels) == (operator == EXISTS)
    return (labels.get(key) in values) == (operator == IN)


def impossible(selector: Selector) -> int | None:
    """The place of the first expression that cannot hold together with what the selector says before it; None: there
    are labels that it selects."""
    expressions = selector.expressions
    for number, expression in enumerate(expressions):
        same = [one for one in expressions[: number + 1] if one.key == expression.key]
        if _leaves_nothing(selector.labels.get(expression.key), same):
            return number
    return None


def _leaves_nothing(value: str | None, expressions: Sequence[Expression]) -> bool:
    """Whether no value, and no absence, of one key fits. ``value``: what it has to be, None: nothing is said."""
    wanted = [{value}] if value is not None else []
    wanted += [set(one.values) for one in expressions if one.operator == IN]
    operators = {one.operator for one in expressions}
    if DOES_NOT_EXIST in operators:
        return bool(wanted) or EXISTS in operators
    refused = {text for one in expressions if one.operator == NOT_IN for text in one.values}
    return bool(wanted) and not set.intersection(*wanted) - refused


def _can_hold(labels: Mapping[str, str], expressions: tuple[Expression, ...]) -> Iterator[tuple[Where, str]]:
    number = impossible(Selector(labels, expressions))
    if number is not None:
        key = expressions[number].key
        message = f"contradicts what is said of {key} before it: together they select nothing; delete one of them"
        yield ("matchExpressions", number), message


def _values_fit(operator: str, values: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    if operator in (IN, NOT_IN) and not values:
        yield "values", f"{operator} needs them; give at least one"
    elif operator in (EXISTS, DOES_NOT_EXIST) and values:
        yield "values", f"{operator} asks for the key alone; delete them, or choose {IN} or {NOT_IN}"


def _selector(**said: Any) -> Selector:
    return Selector(said["matchLabels"], said["matchExpressions"])


EXPRESSION = Record(
    build=Expression,
    fields={
        "key": Field(LabelKey(), "The label's key.", required=True),
        "operator": Field(
            Choice((IN, NOT_IN, EXISTS, DOES_NOT_EXIST)),
            "What holds for it. NotIn also holds where there is no such label.",
            required=True,
        ),
        "values": Field(List(LabelValue(), unique=True), "For In and NotIn: the values.", []),
    },
    checks=(Check(("operator", "values"), _values_fit),),
)
SELECTOR = Record(
    build=_selector,
    fields={
        "matchLabels": Field(LABELS, "Labels that have to be there, with these values.", {}),
        "matchExpressions": Field(List(EXPRESSION), "What else has to hold, all of it.", []),
    },
    checks=(Check(("matchLabels", "matchExpressions"), _can_hold, note=True),),
    words="a selector",
)
