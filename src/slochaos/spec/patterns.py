"""Regular expressions of selectors: the part that RE2 (Prometheus) and Python's `re` read alike.

Anything else is refused, since it would select other series here than in Prometheus. `re` backtracks,
so the number of ways in which a pattern can match is bounded too: an SLO file must not hang a run.
"""

from __future__ import annotations

import functools
import math
import re

from slochaos.errors import InvalidInput

MAX_LENGTH = 500
MAX_WAYS_BITS = 25.0
"""log2 of the largest number of ways to match; `*` and `+` count 6 bits (values of some 100 characters)."""

_UNBOUNDED_BITS = 6.0
_TOKEN = re.compile(
    r"""(?P<open>\((?:\?:|\?i:|\?P<[A-Za-z_]\w*>|(?!\?)))
      | (?P<close>\))
      | (?P<repeat>(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??)
      | (?P<either>\|)
      | (?P<set>\[\^?\]?(?:\\[dDwWsStnrfv\\\]\[^.*+?(){}|/$:;,=!@\#%&'"`~<> -]|[^\]\\\[&~|-]|-(?!-)|\[(?![:.=\[])|&(?!&)|~(?!~)|\|(?!\|))*\])
      | (?P<one>\\[dDwWsSbBtnrfv]|\\[^\w\s]|[^\\()\[\]{}*+?|])
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole value, as Prometheus anchors it."""
    return _compiled(pattern).fullmatch(value) is not None


def check(pattern: str) -> None:
    """Raises InvalidInput, with the position in the pattern, for one that cannot be honoured."""
    raise NotImplementedError


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.DOTALL)
