"""Which process a page's values come from, and since when they count."""

from __future__ import annotations

from collections.abc import Mapping

from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START, Child, Labels, created_of

SAME_START_S = 1.5
"""Start times this close are one process: some libraries compute theirs anew from a clock of full seconds."""

Instance = Labels
"""The labels `job` and `instance`."""


class SeveralProcesses(Exception):
    """One address is answered by several processes, so that its counters are of no use."""


class Processes:
    """Start times by instance and creation times by child, followed from reading to reading."""

    def __init__(self, values: Mapping[Series, float], wall: float) -> None:
        self._since_wall = wall
        self._starts = _starts(values)
        self._restarted: set[Instance] = set()
        self._recreated: set[Series] = set()
        self._values = values
        self._instances: dict[Labels, Instance] = {}

    def advance(self, values: Mapping[Series, float]) -> set[Instance]:
        """Take the next reading; the instances that were restarted since the one before.

        Raises SeveralProcesses when an earlier process answers again, or a child that was made earlier.
        """
        restarted = set()
        for instance, start in _starts(values).items():
            before = self._starts.get(instance, start)
            if start < before - SAME_START_S:
                raise SeveralProcesses("a process that was started earlier answers again")
            if start > before + SAME_START_S:
                restarted.add(instance)
                self._starts[instance] = start
            self._starts.setdefault(instance, start)
        self._restarted |= restarted
        self._recreated = _recreated(self._values, values)
        self._values = values
        return restarted

    def instance(self, child: Child) -> Instance:
        """The instance that a child belongs to."""
        labels = child[1]
        if labels not in self._instances:
            self._instances[labels] = _instance(labels)
        return self._instances[labels]

    def knows_start(self, child: Child) -> bool:
        """Whether a restart of the child's process would be seen by its start time."""
        return self.instance(child) in self._starts

    def started_since(self, child: Child) -> bool:
        """Whether the child's process is known to have started after the first reading."""
        return self._starts.get(self.instance(child), 0.0) > self._since_wall

    def created(self, child: Child) -> float | None:
        """When the child was made (epoch seconds), if the page says so."""
        return self._values.get(created_of(child))

    def recreated(self, child: Child) -> bool:
        """Whether the child was made anew between the last two readings."""
        return bool(self._recreated) and created_of(child) in self._recreated

    def begins_at_zero(self, child: Child) -> bool:
        """Whether a child that was not there at the first reading is known to have counted from zero since.

        Only then: a relabelled series or one that an exporter found late starts at any number.
        """
        if self.instance(child) in self._restarted or self.started_since(child):
            return True
        created = self.created(child)
        return created is not None and created > self._since_wall


def _starts(values: Mapping[Series, float]) -> dict[Instance, float]:
    return {_instance(labels): start for (name, labels), start in values.items() if name == PROCESS_START}


def _recreated(before: Mapping[Series, float], now: Mapping[Series, float]) -> set[Series]:
    found = set()
    for series, created in now.items():
        if not series[0].endswith("_created"):
            continue
        earlier = before.get(series, created)
        if created < earlier:
            raise SeveralProcesses(f"{series[0]} is suddenly {earlier - created:.1f} s earlier")
        if created > earlier:
            found.add(series)
    return found


def _instance(labels: Labels) -> Instance:
    return tuple(pair for pair in labels if pair[0] in ("job", "instance"))
