"""Keeping up with a Prometheus server while a run lasts, on a thread of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable

from slochaos import clock
from slochaos.errors import SlochaosError, SourceError
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus.answers import Target
from slochaos.measurement.prometheus.direct import DirectWatch, counted
from slochaos.measurement.prometheus.live import LiveHistory, RunClock
from slochaos.measurement.prometheus.looks import looks
from slochaos.measurement.prometheus.pages import UP
from slochaos.measurement.prometheus.portions import Portions
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.samples import Sample
from slochaos.measurement.selection import metrics, series_names
from slochaos.spec.objectives import Objective
from slochaos.spec.sources import PrometheusSource
from slochaos.wording import seconds

USUAL_INTERVAL_S = 15.0
"""Taken for the scrape interval until the server has told it."""

BACK_S = 60.0
"""How far before the run its history begins, at least: so that a phase can begin with the scrape before it."""

SETTLING_S = 10.0
"""Samples that others send to the server (Mimir, Thanos) come in no order for so long."""

OVERLAP_S = 5.0
"""Asked for again each time, with the time that a scrape may take: it is in only when it is over."""


class Follower:
    """One server's samples in the run's clock, and its targets' own pages beside them.

    `keep` is told each sample of the server. `failure` says why the server did not answer last; what it has of
    that time comes when it answers again.
    """

    def __init__(
        self, source: PrometheusSource, objectives: Iterable[Objective], keep: Callable[[Sample], None]
    ) -> None:
        self.source = source
        self.failure, self.direct = "", False
        self._wanted = metrics(objectives)
        self._looks = looks(source.name, self._wanted)
        self._portions = Portions(self._wanted)
        self._keep = keep
        self._clock: RunClock | None = None
        self._live: LiveHistory | None = None
        self._history: History = {}
        self._watch = None if source.watch_s is None else DirectWatch(source.watch_s, self._wanted)
        self._watch_problem = "" if self._watch else "watch is off"
        self._targets: tuple[Target, ...] = ()
        self._knows_targets = True
        self._names: frozenset[str] = frozenset()
        self._since = self._upto = self._asked = self._done = -math.inf
        self._ending = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"follow-{source.name}", daemon=True)

    def start(self) -> None:
        """Ask for the first time, and go on."""
        self._thread.start()

    def ask_to_end(self) -> None:
        """Ask nothing more."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def wait_for_end(self) -> None:
        """A thread that waits for an answer is left behind: it is a daemon and holds nothing."""
        if self._thread.ident is not None:
            self._thread.join(2.0)
        if self._watch is not None:
            self._watch.stop()

    def ask(self, instant: float) -> None:
        """Ask the server (and the targets) once more, at or after `instant`."""
        if self._watch is not None:
            self._watch.ask(instant)
        with self._changed:
            self._asked = instant
            self._changed.notify_all()

    def wait_for(self, instant: float, deadline: float) -> bool:
        """Wait until the server was asked at or after `instant`, whatever came of it."""
        if self._watch is not None and not self._watch.wait_for(instant, deadline):
            return False
        with self._changed:
            return self._changed.wait_for(lambda: self._done >= instant, max(deadline - clock.now(), 0.0))

    @property
    def ahead_s(self) -> float | None:
        """The server's time less this host's instants; None while it has not answered."""
        return None if self._clock is None else self._clock.ahead_s

    @property
    def history(self) -> History:
        """What the server has of the targets since shortly before the run; of PromQL alone, when it was asked."""
        return self._history

    @property
    def watched(self) -> History:
        """What the abort watch looks at: the targets' own pages where `choose_watch` found that they will do."""
        return self._watch.history() if self._watch is not None and self.direct else self._history

    def choose_watch(self) -> None:
        """Decide, from what was read so far, whether the targets' own pages can be watched."""
        if self._watch is not None:
            self._watch_problem = self._watch.problem(self._history)
            self.direct = not self._watch_problem

    @property
    def interval_s(self) -> float:
        """The longest time between two scrapes of a target."""
        told = max((each.interval_s for each in self._own_targets()), default=0.0)
        return told or (self._live.period_s() if self._live else 0.0) or USUAL_INTERVAL_S

    @property
    def delay_s(self) -> float:
        """How long after an event the server's sample that shows it has come here, at most."""
        return self.interval_s + self._timeout_s + self._settling_s + self.period_s

    @property
    def detection_s(self) -> float:
        """How long after an event the abort watch sees it, at most as far as was seen."""
        if self._watch is not None and self.direct:
            pages = self._watch.history().values()
            took = [s.finished - s.started for samples in pages for s in samples if not s.failure]
            return self._watch.every_s + max(took, default=0.0)
        took_s = self._live.scrape_s() if self._live else 0.0
        return self.interval_s + took_s + self._settling_s + self.period_s

    @property
    def period_s(self) -> float:
        """How often the server is asked: often enough that asking adds little to what scraping takes."""
        return min(max(self.interval_s / 4, 0.5), 5.0)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the server warned of."""
        return tuple(self._portions.warnings)

    @property
    def _timeout_s(self) -> float:
        """How long a scrape may take until it is given up."""
        return max((each.timeout_s for each in self._own_targets()), default=self.interval_s)

    @property
    def _settling_s(self) -> float:
        return 0.0 if self._knows_targets else SETTLING_S

    def about_watch(self) -> str:
        """What the abort watch sees of this server, a sentence."""
        if self.direct and self._watch is not None:
            return f"{self.source.name}: the targets' own pages are watched, every {seconds(self._watch.every_s)}"
        return (
            f"{self.source.name}: only the server's own samples are watched, scraped every "
            f"{seconds(self.interval_s)} ({self._watch_problem})"
        )

    def about_clock(self) -> str:
        """How far the server's clock is off, where that is worth a sentence."""
        if self._clock is None or abs(self._clock.skew_s) <= max(0.1, self._clock.uncertainty_s):
            return ""
        way = "ahead of" if self._clock.skew_s > 0 else "behind"
        return (
            f"{self.source.name}: its clock is {seconds(abs(self._clock.skew_s))} {way} this host's, give or "
            f"take {seconds(self._clock.uncertainty_s)}: that is taken into account"
        )

    @property
    def shows_all(self) -> bool:
        """Whether each metric that objectives select has a series."""
        shown = {series[0] for s in self._history.values() if s for series in s[-1].values}
        return all(not names or shown.intersection(names) for names in map(series_names, self._wanted))

    def metric_names(self) -> frozenset[str]:
        """Every metric name that the server had when something was not there that objectives select; else empty."""
        return self._names

    def _run(self) -> None:
        try:
            with PrometheusServer(self.source) as server:
                while not self._ending:
                    began = clock.now()
                    self._ask_once(server)
                    with self._changed:
                        self._done = began
                        self._changed.notify_all()
                    # Asking takes at most a fifth of the time, however much there is to answer.
                    self._sleep(began + max(self.period_s, 5 * (clock.now() - began)), began)
        except Exception as error:  # noqa: BLE001 - the border of a thread: what happened has to be said
            self.failure = f"internal error: {type(error).__name__}: {error}"
        finally:
            with self._changed:
                self._done = math.inf
                self._changed.notify_all()

    def _sleep(self, due: float, began: float) -> None:
        with self._changed:
            while not self._ending and self._asked <= began and (left := due - clock.now()) > 0:
                self._changed.wait(left)

    def _ask_once(self, server: PrometheusServer) -> None:
        try:
            if self._clock is None:
                self._begin(server)
            self._look(server)
            self.failure = ""
        except SlochaosError as error:
            self.failure = error.message

    def _begin(self, server: PrometheusServer) -> None:
        told = server.clock()
        here = clock.wall() - clock.now()
        self._look_for_targets(server)
        run_clock = RunClock(told.skew_s + here, told.skew_s, told.uncertainty_s)
        self._since = clock.now() + run_clock.ahead_s - max(BACK_S, 4 * self.interval_s)
        gauge_up = any(UP in series_names(metric) for metric in self._wanted)
        self._live = LiveHistory(run_clock, self._since, gauge_up=gauge_up)
        self._clock = run_clock

    def _look_for_targets(self, server: PrometheusServer) -> None:
        """Mimir and Thanos scrape nothing themselves, and say so by an error."""
        try:
            self._targets = server.targets()
        except SourceError:
            self._targets = ()
        self._knows_targets = bool(self._targets)

    def _look(self, server: PrometheusServer) -> None:
        """Take what is new, and see to the watch. Raises SourceError."""
        assert self._clock is not None
        assert self._live is not None
        now = clock.now() + self._clock.ahead_s - self._settling_s
        start = max(self._since, self._upto - OVERLAP_S - self._timeout_s)
        for sample in self._live.take(self._portions.fetch(server, self._since, start, now), now):
            self._keep(sample)
        self._upto = now
        self._history = self._looks.look(server) if self._looks else self._live.history()
        self._watch_directly(server)
        if not self.shows_all and not self._names:
            self._names = frozenset(server.label_values("__name__"))

    def _watch_directly(self, server: PrometheusServer) -> None:
        """Read the pages of targets that show what counts, also of those that came later."""
        if self._watch is None or self._live is None:
            return
        labels = self._live.labels()
        followed = self._watch.history()
        new = {name: labels[name] for name in self._showing() if name not in followed and labels.get(name)}
        if new and self._watch.usable:
            self._look_for_targets(server)
            self._watch.follow(new, self._targets)

    def _showing(self) -> list[str]:
        """The sources whose newest page shows what some objective selects."""
        newest = {
            name: next((each for each in reversed(samples) if each.is_page), None)
            for name, samples in self._history.items()
        }
        return [name for name, page in newest.items() if page is not None and counted(page)]

    def _own_targets(self) -> list[Target]:
        return [
            each for each in self._targets if self._looks or each.labels.get("job", "") in self._portions.jobs
        ]
