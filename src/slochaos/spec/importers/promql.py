"""PromQL taken apart: which series an expression counts, and over which window.

The grammar is promql-parser's. A count of events is `sum(rate(SELECTOR[..]))` with `increase`, grouping, brackets
and `or vector(0)` as they come: neither the function nor the range changes which series are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import promql_parser
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    MatchOp,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from slochaos.errors import InvalidInput
from slochaos.spec import selectors
from slochaos.spec.objectives import WINDOW
from slochaos.spec.selectors import Matcher, Operator, Selector

MAX_LENGTH = 2000
"""Characters. The parser's time grows with the square of the nesting, and far beyond this it exhausts the stack."""

_STAND_IN = timedelta(days=777, seconds=7)
_SHOWN = promql_parser.display_duration(_STAND_IN)
_OPERATORS: tuple[tuple[MatchOp, Operator], ...] = (
    (MatchOp.Equal, "="),
    (MatchOp.NotEqual, "!="),
    (MatchOp.Re, "=~"),
    (MatchOp.NotRe, "!~"),
)

Counted = Literal["events", "value", "sum", "number", "mean"]
_FUNCTIONS: dict[str, Counted] = {
    "rate": "events",
    "increase": "events",
    "sum_over_time": "sum",
    "count_over_time": "number",
    "avg_over_time": "mean",
}


@dataclass(frozen=True)
class Series:
    """What an expression adds up over its window: a counter's events, or a gauge's samples.

    `counted`: a counter's `events` within a range, or what series are at one instant (`value`); of a gauge the
    `sum`, the `number` or the `mean` of its samples.
    `grouping`: labels by which the expression kept several sums apart.
    """

    selector: Selector
    counted: Counted
    grouping: tuple[str, ...] = ()


def parse(text: str) -> Expr:
    """The expression; WINDOW may stand for ranges. Raises InvalidInput for what is no PromQL, or is too long."""
    if len(text) > MAX_LENGTH:
        raise InvalidInput(f"the query is longer than {MAX_LENGTH} characters, so it was not taken apart")
    try:
        expression: Expr = promql_parser.parse(text.replace(WINDOW, _SHOWN))
    except ValueError as problem:
        raise InvalidInput(f"the query is not read as PromQL: {problem}") from problem
    return expression


def text_of(expression: Expr) -> str:
    """The expression as text, with WINDOW where it stood."""
    return expression.prettify().replace(_SHOWN, WINDOW)


def bare(expression: Expr) -> Expr:
    """Without the brackets around it."""
    while isinstance(expression, ParenExpr):
        expression = expression.expr
    return expression


def operands(expression: Expr, operator: str) -> tuple[Expr, Expr] | None:
    """Both sides of a binary operation, where nothing is matched many to one; None for anything else."""
    expression = bare(expression)
    if not isinstance(expression, BinaryExpr) or str(expression.op) != operator:
        return None
    modifier = expression.modifier
    if modifier and (modifier.return_bool or modifier.card not in (None, VectorMatchCardinality.OneToOne)):
        return None
    return bare(expression.lhs), bare(expression.rhs)


def is_number(expression: Expr, value: float) -> bool:
    """Whether it is this number."""
    return isinstance(expression, NumberLiteral) and expression.val == value


def series_of(expression: Expr) -> Series | None:
    """The series whose events (or samples) the expression adds up; None if it does anything else."""
    expression = _without_zero(bare(expression))
    if isinstance(expression, AggregateExpr):
        return _summed(expression)
    if isinstance(expression, VectorSelector):
        return _series(expression, "value")
    if not isinstance(expression, Call) or expression.func.name not in _FUNCTIONS:
        return None
    matrix = bare(expression.args[0])
    if not isinstance(matrix, MatrixSelector):
        return None
    return _series(matrix.vector_selector, _FUNCTIONS[expression.func.name])


def _summed(aggregate: AggregateExpr) -> Series | None:
    inner = series_of(aggregate.expr)
    operator = str(aggregate.op)
    if inner is None or operator != ("avg" if inner.counted == "mean" else "sum"):
        return None
    labels = tuple(aggregate.modifier.labels) if aggregate.modifier else ()
    return Series(inner.selector, inner.counted, labels or inner.grouping)


def _without_zero(expression: Expr) -> Expr:
    """`x or vector(0)` is x: series that do not exist count nothing anyway."""
    sides = None
    if isinstance(expression, BinaryExpr) and str(expression.op) == "or":
        sides = bare(expression.lhs), bare(expression.rhs)
    if sides and isinstance(sides[1], Call) and sides[1].func.name == "vector":
        return sides[0] if is_number(bare(sides[1].args[0]), 0) else expression
    return expression


def _series(vector: VectorSelector, counted: Counted) -> Series | None:
    """None for series of another time (`offset`, `@`), and for selectors that slochaos does not read."""
    if vector.offset is not None or vector.at is not None or vector.matchers.or_matchers:
        return None
    matchers = [Matcher(each.name, _operator(each.op), each.value) for each in vector.matchers.matchers]
    names = [each.value for each in matchers if each.label == "__name__" and each.operator == "="]
    name = vector.name or (names[0] if names else "")
    selector = Selector(name, tuple(each for each in matchers if each.label != "__name__"))
    try:
        return Series(selectors.parse(str(selector)), counted)
    except InvalidInput:
        return None


def _operator(operator: MatchOp) -> Operator:
    return next(text for known, text in _OPERATORS if known == operator)


def in_events(expression: Expr) -> Expr | None:
    """The expression with `increase` over WINDOW for every rate, so that it numbers the window's events.

    None unless it only adds up rates and takes them from each other: then nothing else changes.
    """
    if not _adds_up(expression):
        return None
    changed: Expr = promql_parser.transform(expression, post_visit=_increase)
    return changed


def _adds_up(expression: Expr) -> bool:
    expression = _without_zero(bare(expression))
    if isinstance(expression, AggregateExpr):
        return str(expression.op) == "sum" and _adds_up(expression.expr)
    if isinstance(expression, BinaryExpr):
        return str(expression.op) in ("+", "-") and _adds_up(expression.lhs) and _adds_up(expression.rhs)
    return _rated(expression) is not None


def _rated(expression: Expr) -> MatrixSelector | None:
    if not isinstance(expression, Call) or expression.func.name not in ("rate", "increase"):
        return None
    matrix = bare(expression.args[0])
    return matrix if isinstance(matrix, MatrixSelector) else None


def _increase(expression: Expr) -> Expr | None:
    matrix = _rated(expression)
    if matrix is None:
        return None
    before, _, after = matrix.prettify().rpartition(f"[{promql_parser.display_duration(matrix.range)}]")
    changed: Expr = promql_parser.parse(f"increase({before}[{_SHOWN}]{after})")
    return changed
