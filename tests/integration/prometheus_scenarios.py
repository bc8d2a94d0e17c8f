"""What happens to services while a real Prometheus scrapes them: seeded stories whose truth is known.

A story has targets, things that happen to them at given instants, and a window that is measured afterwards.
Everything is scraped live, nothing is written into the server's storage by other ways.
"""

from __future__ import annotations

import heapq
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.known_targets import KnownTarget, KnownTargets, total

LASTS_S = 45.0
"""Stories take this long, after all targets are scraped for the first time."""

REQUESTS = "http_requests_total"
TOOK = "took_seconds"


@dataclass
class Story:
    """One service. `start`, `end`: the measured window, seconds from the beginning of all stories.

    `refused`: the reason for which it has no count. `server`: the name of the server that scrapes it.
    """

    kind: str
    seed: int
    every: str
    server: str = "steady"
    refused: str = ""
    where: str = ""
    """More matchers of its selectors."""
    targets: list[KnownTarget] = field(default_factory=list)
    agenda: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    start: float = 0.0
    end: float = 0.0
    began: float = 0.0

    @property
    def job(self) -> str:
        """Its `job` label."""
        return f"{self.kind}-{self.every}-{self.seed}".replace(" ", "-")

    @property
    def window(self) -> tuple[float, float]:
        """The measured window, epoch seconds."""
        return self.began + self.start, self.began + self.end

    def truth(self, name: str, **labels: str) -> float:
        """Events in the window."""
        start, end = self.window
        return sum(target.truth(start, end, name, **labels) for target in self.targets)

    def lost(self, name: str, **labels: str) -> float:
        """Events in the window that no page has ever shown."""
        start, end = self.window
        return sum(total(target.lost, start, end, name, **labels) for target in self.targets)


class Stage:
    """Makes stories happen: their targets' pages, the servers' lists of targets, and the agenda."""

    def __init__(self, pages: KnownTargets, folder: Path) -> None:
        self.pages = pages
        self.folder = folder

    def target(self, story: Story, name: str, started: float | None, listed: bool = True) -> KnownTarget:
        """A target of a story, known to its server from the beginning if `listed`."""
        target = self.pages.add(f"{story.job}-{name}", started)
        story.targets.append(target)
        if listed:
            self.list_targets(story, [*self._listed(story), target.name])
        return target

    def list_targets(self, story: Story, names: Sequence[str], **labels: str) -> None:
        """Tell the story's server which targets there are; it takes up to five seconds to notice."""
        entries = [self.pages.entry(name, job=story.job, **labels) for name in names]
        self._write(story, entries)

    def list_twice(self, story: Story, name: str) -> None:
        """A pair of replicas, both of which scrape the target."""
        entries = [self.pages.entry(name, job=story.job, replica=replica) for replica in "ab"]
        self._write(story, entries)

    def perform(self, stories: Sequence[Story]) -> None:
        """Do what is on the agendas, each at its time."""
        began = time.time()
        number = count()
        agenda = []
        for story in stories:
            story.began = began
            agenda += [(at, next(number), act) for at, act in story.agenda]
        heapq.heapify(agenda)
        while agenda:
            at, _, act = heapq.heappop(agenda)
            time.sleep(max(began + at - time.time(), 0.0))
            act()

    def _path(self, story: Story) -> Path:
        return self.folder / f"{story.server}-{story.every}-{story.job}.json"

    def _listed(self, story: Story) -> list[str]:
        path = self._path(story)
        return (
            [entry["labels"]["instance"] for entry in json.loads(path.read_text())] if path.exists() else []
        )

    def _write(self, story: Story, entries: Sequence[object]) -> None:
        new = self._path(story).with_suffix(".new")
        new.write_text(json.dumps(entries))
        new.rename(self._path(story))


class Author:
    """Writes stories. Each kind is a method that fills in targets and agenda."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._rng = random.Random(0)

    def write(self, kind: str, seed: int, every: str, server: str = "steady") -> Story:
        """One story, the same for the same arguments."""
        self._rng = random.Random(f"{kind} {seed} {every} {server}")
        story = Story(kind, seed, every, server)
        story.start = self._rng.uniform(8, 16)
        story.end = story.start + self._rng.uniform(12, 24)
        getattr(self, f"_{kind.replace(' ', '_')}")(story)
        return story

    def _traffic(
        self, story: Story, target: KnownTarget, begin: float = 0.0, end: float = LASTS_S, **labels: str
    ) -> None:
        """Good requests at a steady rate, in small heaps."""
        pause = self._rng.uniform(0.3, 0.9)
        at = begin + self._rng.uniform(0, pause)
        labels = labels or {"code": "200"}
        while at < end:
            by = self._rng.randint(1, 9)
            story.agenda.append((at, lambda by=by: target.count(REQUESTS, by, **labels)))  # type: ignore[misc]
            at += pause

    def _burst(self, story: Story, target: KnownTarget | None = None) -> None:
        """Failures for a few seconds, at any phase of the scrapes and anywhere around the window."""
        target = target or self._one(story)
        at = self._rng.uniform(story.start - 2, story.end)
        for _ in range(self._rng.randint(1, 8)):
            by = self._rng.randint(1, 30)
            story.agenda.append((at, lambda by=by: target.count(REQUESTS, by, code="503")))  # type: ignore[misc]
            at += self._rng.uniform(0.05, 0.6)

    def _one(self, story: Story, knows_start: bool = True) -> KnownTarget:
        """A target that has failures already, so that its series are all there."""
        target = self.stage.target(story, "a", time.time() - 500 if knows_start else None)
        target.count(REQUESTS, self._rng.randint(1, 10_000), code="200")
        target.count(REQUESTS, self._rng.randint(1, 100), code="503")
        self._traffic(story, target)
        return target

    def _quiet_burst(self, story: Story) -> None:
        """Failures of which none is near the window's ends."""
        target = self._one(story)
        at = self._rng.uniform(story.start + 0.1, story.end - 2)
        story.agenda.append((at, lambda: target.count(REQUESTS, 100, code="503")))

    def _born(self, story: Story) -> None:
        """The first failure ever is in the window: the series is born with it."""
        target = self.stage.target(story, "a", time.time() - 500)
        self._traffic(story, target)
        self._burst(story, target)

    def _replaced_pod(self, story: Story) -> None:
        """One pod ends and another begins, which is found some seconds later."""
        at = self._rng.uniform(story.start, story.end - 4)
        old = self.stage.target(story, "old", time.time() - 500)
        self._traffic(story, old, end=at)
        self._burst(story, old)
        story.agenda = [(when, act) for when, act in story.agenda if when < at]
        new = self.stage.target(story, "new", None, listed=False)

        def replace() -> None:
            old.restart()
            old.failing = True
            new.started = time.time()
            self.stage.list_targets(story, [new.name])

        story.agenda.append((at, replace))
        self._traffic(story, new, begin=at + 0.1)
        story.agenda.append((at + 0.5, lambda: new.count(REQUESTS, 7, code="503")))

    def _late_discovery(self, story: Story) -> None:
        """A target that has run for long is found within the window, its counters at a million."""
        target = self.stage.target(story, "a", time.time() - 500)
        self._traffic(story, target)
        late = self.stage.target(story, "late", time.time() - 900, listed=False)
        late.count(REQUESTS, 1_000_000, code="200")
        late.count(REQUESTS, 1000, code="503")
        self._traffic(story, late)
        self._burst(story, late)
        at = self._rng.uniform(2, story.end - 3)
        story.agenda.append((at, lambda: self.stage.list_targets(story, [target.name, late.name])))

    def _reset(self, story: Story) -> None:
        """A process that does not tell its start is replaced by another: its counters begin anew."""
        target = self._one(story, knows_start=False)
        self._burst(story, target)
        story.agenda.append((self._rng.uniform(story.start, story.end), target.restart))

    def _restart(self, story: Story) -> None:
        """A process that tells its start is restarted, once or twice."""
        target = self._one(story)
        self._burst(story, target)
        for _ in range(self._rng.randint(1, 2)):
            story.agenda.append((self._rng.uniform(story.start - 3, story.end), target.restart))

    def _target_down(self, story: Story) -> None:
        """Scrapes fail for some seconds while the process goes on counting."""
        target = self._one(story)
        self._burst(story, target)
        self._down(story, target)

    def _restart_while_down(self, story: Story) -> None:
        """The process is restarted while scrapes fail."""
        target = self._one(story)
        self._burst(story, target)
        begin, end = self._down(story, target)
        story.agenda.append((self._rng.uniform(begin, end), target.restart))

    def _down_without_start(self, story: Story) -> None:
        """Scrapes fail for some seconds, and nothing tells whether the process is the same afterwards."""
        target = self._one(story, knows_start=False)
        self._burst(story, target)
        self._down(story, target)

    def _down(self, story: Story, target: KnownTarget) -> tuple[float, float]:
        begin = self._rng.uniform(story.start - 3, story.end - 1)
        end = begin + self._rng.uniform(2, 8)
        story.agenda.append((begin, lambda: setattr(target, "failing", True)))
        story.agenda.append((end, lambda: setattr(target, "failing", False)))
        return begin, end

    def _no_traffic(self, story: Story) -> None:
        """Series that stand still."""
        target = self.stage.target(story, "a", time.time() - 500)
        target.count(REQUESTS, 50, code="200")
        target.count(REQUESTS, 5, code="503")

    def _several_series(self, story: Story) -> None:
        """Several pods, each with several series."""
        for name in "abc"[: self._rng.randint(2, 3)]:
            target = self.stage.target(story, name, time.time() - self._rng.uniform(100, 500))
            target.count(REQUESTS, self._rng.randint(1, 1000), code="503")
            for path in ("/a", "/b"):
                target.count(REQUESTS, 1, code="200", path=path)
                self._traffic(story, target, code="200", path=path)
            self._burst(story, target)

    def _replicas(self, story: Story) -> None:
        """Two replicas scrape one target, so that every event would count twice."""
        target = self._one(story)
        self._burst(story, target)
        self.stage.list_twice(story, target.name)
        story.refused = "replica-label"

    def _one_replica(self, story: Story) -> None:
        """The same, with one of the replicas selected."""
        self._replicas(story)
        story.refused, story.where = "", ',replica="a"'

    def _latency(self, story: Story) -> None:
        """Slow answers, in a histogram that has the bucket asked for."""
        target = self.stage.target(story, "a", time.time() - 500)
        for took in (0.05, 2.0):
            target.observe(TOOK, took)
        at = 0.5
        while at < LASTS_S:
            took = self._rng.choice([0.05, 0.2, 0.3, 0.31, 0.7, 3.0])
            story.agenda.append((at, lambda took=took: target.observe(TOOK, took)))  # type: ignore[misc]
            at += self._rng.uniform(0.2, 0.6)

    def _server_trouble(self, story: Story) -> None:
        """Bursts and restarts, on a server that starts late and is killed in between."""
        target = self._one(story, knows_start=self._rng.random() < 0.7)
        self._burst(story, target)
        if self._rng.random() < 0.5:
            story.agenda.append((self._rng.uniform(story.start - 5, story.end), target.restart))
