"""What to do so that the next run decides: each reason for which nothing was shown has its own way out."""

from __future__ import annotations

from collections.abc import Iterable

_WAYS_OUT = {
    "no-fault": "give the experiment's method a fault, so that there is something to judge",
    "several-processes": "scrape each process by its own address, or run one worker",
    "replica-label": "name one value of the label in the selector",
    "no-query-source": "use selector, histogram or samples, which are counted sample by sample",
    "indicator": "correct the selector, or what the page shows for it",
    "no-series": "correct the selector: slochaos doctor compares it with what the sources have",
    "source-down": "see to it that the source can be read all the time: the reason says what it answered",
    "no-sample": "see to it that the source can be read after the fault too",
    "gap": "see to it that the source is read without a break",
    "partial-answer": "repair what the server warned of: its answers were not whole",
    "reset": "keep the processes that count running while the run lasts",
    "late": "let the source be there, and be read, before the run begins",
    "series-vanished": "keep what counts, and its series, there while the run lasts",
    "series-born": "let the source show its series from the start on, at zero",
    "leap": "keep what is no traffic out of the counter, or take a longer baseline",
    "bucket-too-coarse": "add the bucket that the reason names, or take a threshold that is a bucket's bound",
    "page-skew": "take good and total from one metric, or read their sources more often",
    "missing-slices": "let the run last longer than the objective's slices, and be read all the time",
    "diluted": "read the source more often, or let the fault last longer, so that fewer events lie beside it",
}
"""By stable word (see measurement.counting.measure), the cause before what follows from it."""


def way_out(words: Iterable[str]) -> str:
    """What to do about the first cause among these reasons; empty where only more events would help."""
    found = set(words)
    return next((advice for word, advice in _WAYS_OUT.items() if word in found), "")
