"""Minutes that people write beside a target: "0.1 % (8.64 minutes per day)" is wrong, it is 1.44."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from slochaos.spec.findings import Finding
from slochaos.spec.objectives import Objective
from slochaos.wording import exact_percent, window_name

_UNITS_S = {"s": 1, "m": 60, "h": 3600}
_DAY_S = 86_400
_PERIODS_S = {
    "hour": (3600, 3600),
    "day": (_DAY_S, _DAY_S),
    "week": (7 * _DAY_S, 7 * _DAY_S),
    "month": (28 * _DAY_S, 31 * _DAY_S),
    "quarter": (90 * _DAY_S, 92 * _DAY_S),
    "year": (365 * _DAY_S, 366 * _DAY_S),
}
"""Shortest and longest: people mean different months."""

_AMOUNT = re.compile(
    r"(?<![\w.])(?P<amount>[0-9]{1,6}(?:\.[0-9]{1,6})?)\s*"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b\.?"
    r"(?:\s*(?:per|/|an?|each|every|in an?)\s*(?P<period>hour|day|week|month|quarter|year)\b)?",
    re.IGNORECASE,
)
_ABOUT_BUDGET = re.compile(r"budget|downtime|outage|unavailab|may be down|allow", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n;]+(?:\.[0-9][^.!?\n;]*)*")


@dataclass(frozen=True)
class _Said:
    """A span of time as written: seconds, the unit of its last digit, and the period that it is for."""

    text: str
    seconds: Fraction
    precision_s: Fraction
    period_s: tuple[int, int]
    period: str


def minutes_disagree(objective: Objective) -> Iterator[Finding]:
    """`minutes-disagree`: each span beside the word budget (or per day, week, ...) that the target does not allow."""
    for said in _spans(objective):
        least, most = (objective.allowed * period for period in said.period_s)
        if least - said.precision_s <= said.seconds <= most + said.precision_s:
            continue
        yield Finding.at(
            objective.where,
            "minutes-disagree",
            "warning",
            f"{objective.name}: the description says {said.text!r}, "
            f"but {exact_percent(objective.target)} allows {_minutes(objective.allowed * _DAY_S)} a day "
            f"and {_minutes(objective.allowed * 7 * _DAY_S)} a week",
            f"{_minutes(objective.allowed * said.period_s[0])} per {said.period}",
        )


def _spans(objective: Objective) -> Iterator[_Said]:
    window = (objective.window_s, objective.window_s)
    for sentence in _SENTENCE.findall(objective.description):
        about_budget = _ABOUT_BUDGET.search(sentence)
        for match in _AMOUNT.finditer(sentence):
            period = (match["period"] or "").lower()
            if not period and not about_budget:
                continue
            unit = _UNITS_S[match["unit"][0].lower()]
            decimals = len(match["amount"].partition(".")[2])
            yield _Said(
                match[0].strip(),
                Fraction(match["amount"]) * unit,
                Fraction(unit, 10**decimals) / 2,
                _PERIODS_S.get(period, window),
                period or window_name(objective.window_s),
            )


def _minutes(seconds: Fraction) -> str:
    return f"{float(seconds / 60):.4g} minutes"
