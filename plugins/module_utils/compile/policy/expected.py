# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether compiled policies say what the intent's tests expect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from ...intent.policy_test import PolicyTest
from ...intent.question import Question, Service
from ...intent.rule import ALLOW
from ...intent.tenancy import Tenancy
from ...model.errors import Fault
from ...model.policy import PolicyMaps
from .answer import ALLOWED, Words, answers, sided
from .explain import Explainer
from .permissions import Permissions


def failing_tests(maps: PolicyMaps, tenancy: Tenancy) -> tuple[Fault, ...]:
    """A fault for each test that the maps do not pass, with what came out and why. What is observed counts as denied.
    maps: of this tenancy."""
    if not tenancy.tests:
        return ()
    trial = _Trial(maps, tenancy)
    return tuple(
        Fault("domain.yaml", f"tests[{number}]", message)
        for number, test in enumerate(tenancy.tests)
        for message in trial.faults(test)
    )


class _Trial:
    def __init__(self, maps: PolicyMaps, tenancy: Tenancy) -> None:
        self._explainer = Explainer(maps)
        self._tenancy = tenancy
        self._maps = maps
        self._words = Words(maps)

    @cached_property
    def _permissions(self) -> Permissions:
        """Made only when a test fails."""
        return Permissions(self._tenancy, self._maps)

    def faults(self, test: PolicyTest) -> Iterator[str]:
        """The first thing that is wrong, if there is one."""
        # The intent's own checks see to it that there is a port.
        asked = Question(test.source, test.destination, Service(test.protocol, test.port or 0))
        found = answers(asked, self._explainer, None)
        if not found:
            yield f"{self._words.lines(asked, found)[0]}; give them some"
        wrong = [one for one in found if (one.verdict() == ALLOWED) != (test.expect == ALLOW)]
        several = 0 < len(wrong) < len(found)
        for one in wrong[:1]:
            whole = sided(asked, one, self._permissions)
            yield f"expected {test.expect}, found {self._words.line(asked, whole, several=several)}"
