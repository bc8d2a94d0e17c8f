"""report.html: one file that loads nothing, renders every record, and obeys nobody's text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import StateError
from slochaos.record import Abort, Charge, ContributorRecord, Result, Timeline, TimelinePoint
from slochaos.reports import html, sheet
from slochaos.reports.chart import timeline
from tests.unit import sample_results as samples

CASES: dict[str, Callable[[], Result]] = {
    "passed": samples.passed_result,
    "failed": samples.failed_result,
    "undo-failed": samples.undo_failed_result,
    "refused": samples.refused_result,
    "aborted": samples.aborted_result,
    "inconclusive": samples.inconclusive_result,
    "interrupted": samples.interrupted_result,
}
_VOID = {"meta", "br", "img", "input", "link", "hr"}


class Page(HTMLParser):
    """A light check of a page: elements are closed in order; collects text, elements and scripts."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it, and that it has to be closed."""
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """It has to be the one that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text of the page, or of a script."""
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a person reads."""
        return " ".join(" ".join(self.words).split())


def policy_of(page: Page) -> str:
    """The page's content security policy."""
    (policy,) = [a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    return policy or ""


@pytest.mark.parametrize("name", CASES)
def test_every_ending_is_a_valid_page_with_its_status(name: str) -> None:
    """Whatever happened, and however much of the record is missing, the page is well formed."""
    page = Page(html.render(CASES[name]()))
    assert name.upper().replace("-", " ") in page.text
    assert "7f3a-91c2" in page.text


def test_page_loads_nothing_and_runs_only_its_own_scripts() -> None:
    """No address to load from, and a policy that names the page's scripts by their hashes."""
    source = html.render(samples.passed_result())
    page = Page(source)
    for tag, attributes in page.elements:
        assert not {"src", "href", "action", "data", "poster"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
    policy = policy_of(page)
    assert "default-src 'none'" in policy
    _, library, script = page.scripts
    for text in (library, script):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy


def test_page_without_a_chart_carries_no_library() -> None:
    """A refused run's page is small and lets no script run at all."""
    source = html.render(samples.refused_result())
    assert len(source) < 50_000
    page = Page(source)
    assert page.scripts == []
    assert "script-src 'none'" in policy_of(page)


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x1b[31m\u202e"


def evil_result() -> Result:
    """A record in which every text that others can choose is hostile."""
    objective = samples.database(
        name=EVIL,
        display_name=EVIL,
        window=EVIL,
        reason=EVIL,
        verdict="breached",
        would_hold_again=EVIL,
        top_contributors=(ContributorRecord(labels={EVIL: EVIL}, bad=5_940),),
    )
    series = samples.timeline().points["database-error-rate"]
    return samples.passed_result(
        run=samples.passed_run(
            experiment=EVIL, environment=EVIL, reason=EVIL, hint=EVIL, host=EVIL, status="undo-failed"
        ),
        objectives=(objective,),
        injections=(
            samples.injection(
                target=EVIL, kind=EVIL, evidence=EVIL, detail=EVIL, by_hand=EVIL, undo="failed"
            ),
        ),
        timeline=Timeline(marks={EVIL: 3.0}, points={EVIL: series}),
        notes=(EVIL,),
        command=EVIL,
        abort=Abort(condition=EVIL, detected=EVIL, undone=None, latency_ms=None),
    )


def test_text_of_others_is_only_text() -> None:
    """No name, reason, evidence or command becomes an element, an attribute, a script or a chart's markup."""
    source = html.render(evil_result())
    page = Page(source)
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert len(page.scripts) == 3
    assert "alert(2)" in page.text
    figure, library, _ = page.scripts
    ours = source.replace(library, "")
    assert "\x1b" not in ours
    assert "\u202e" not in ours
    assert not re.search(r"<(?!/?b>)", json.dumps(json.loads(figure)["layout"]["annotations"]))


def test_credentials_do_not_reach_the_page() -> None:
    """A page is made to be forwarded: passwords in a command, an address or an evidence are masked."""
    source = html.render(
        samples.passed_result(
            command="slochaos run x.json --set password=hunter2",
            injections=(samples.injection(evidence="connected to postgresql://ada:hunter2@db/x"),),
        )
    )
    assert "hunter2" not in source
    assert "[redacted]" in source


def test_file_is_private_and_replaced_as_a_whole(tmp_path: Path) -> None:
    """The report is 0600, and no half-written file is left beside it."""
    path = tmp_path / "report.html"
    path.write_text("old")
    html.write(samples.passed_result(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "db_outage" in path.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [path]


def test_report_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    """A missing folder is a StateError, with the command that still shows the run."""
    with pytest.raises(StateError, match="cannot be written") as caught:
        html.write(samples.passed_result(), tmp_path / "missing" / "report.html")
    assert "slochaos show 7f3a-91c2" in caught.value.hint


def test_page_has_all_its_parts() -> None:
    """Verdict, table, evidence, cost before and after, what is unknown, the other verdict, how to run it again."""
    text = Page(html.render(samples.passed_result())).text.replace("\u00a0", " ")
    for words in (
        "The system kept what was asked of it during PostgreSQL unreachable (20.0 s).",
        "database-error-rate spent 23.1 % of its budget where 40 % was accepted",
        "80 of 80 canary connects refused",
        "0 % spent before, 23.1 % after; left: 76.9 % · foreseen: 23.1 % expected, 40 % at worst",
        "projected from the baseline's traffic",
        "Chaos Toolkit's own verdict of the same experiment: completed",
        "slochaos run experiments/db_outage.json",
    ):
        assert words in text


def test_command_by_hand_is_on_the_page_of_a_failed_undo() -> None:
    """The alarm stands above everything else, with the command as it is to be typed."""
    text = Page(html.render(samples.undo_failed_result())).text
    assert samples.injection().by_hand in text
    assert text.index("Remove it by hand") < text.index("What it did to the objectives")


def figure_of(result: Result) -> dict[str, Any]:
    """The chart, which this result has to have."""
    found = timeline(result)
    assert found is not None
    return found


def test_chart_shades_the_fault_and_marks_what_happened() -> None:
    """One row per objective with points; the fault from applied to undone; each mark with its name."""
    figure = figure_of(samples.passed_result())
    assert [trace["name"] for trace in figure["data"]] == [
        "api-success-rate",
        "database-error-rate",
        "api-latency-p95",
    ]
    (shade,) = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert (shade["x0"], shade["x1"]) == (20.05, 40.05)
    labels = [label["text"] for label in figure["layout"]["annotations"]]
    assert "undone, verified 40.1 s" in labels


def test_marks_close_together_have_labels_on_different_levels() -> None:
    """Undone, recovered and the end lie within seconds: none of their labels covers another."""
    marks = {"fault": 20.0, "undone": 60.0, "recovered": 62.0, "end": 70.0}
    points = {"api-success-rate": samples.timeline().points["api-success-rate"]}
    layout = figure_of(samples.passed_result(timeline=Timeline(marks=marks, points=points)))["layout"]
    levels = {
        label["text"].split()[0]: label["yshift"] for label in layout["annotations"] if "yshift" in label
    }
    assert len({levels["undone,"], levels["recovered"], levels["end"]}) == 3
    assert levels["fault"] == levels["undone,"]


def test_fault_without_an_end_is_shaded_to_the_end() -> None:
    """What was never undone is in force as far as the chart reaches."""
    (shade,) = [s for s in figure_of(samples.undo_failed_result())["layout"]["shapes"] if s["type"] == "rect"]
    assert shade["x1"] == 72


def test_time_without_events_is_no_share() -> None:
    """An interval without an event is neither 0 nor 100 %: short ones are left out, long ones break the line."""
    events = {1: 2, 3: 2, 10: 2}
    points = tuple(TimelinePoint(at=s, good=events.get(s, 0), total=events.get(s, 0)) for s in range(12))
    result = samples.passed_result(timeline=Timeline(points={"api-success-rate": points}))
    (trace,) = figure_of(result)["data"]
    assert (trace["x"], trace["y"]) == ([1, 3, 9, 10], [100.0, 100.0, None, 100.0])


def test_reason_that_several_phases_share_is_said_once() -> None:
    """One gap of a source touches many phases, and is one line."""
    gap = {
        name: phase.model_copy(update={"reason": "source-down"})
        for name, phase in samples.phases(0, 10).items()
    }
    said = sheet.unknown(
        samples.passed_result(objectives=(samples.api(phases=gap), samples.database(phases=gap)))
    )
    (line,) = [line for line in said if "source-down" in line]
    assert "api-success-rate in baseline" in line
    assert "database-error-rate in recovery" in line


def test_record_that_lost_its_injections_does_not_say_that_there_were_none() -> None:
    """A run cut off in its fault says where to look; a refused one says that nothing was injected."""
    lost = samples.ended_as("error", 7, "the guard died", injections=())
    assert "What was injected is not recorded; see: slochaos status" in Page(html.render(lost)).text
    assert "nothing was injected" in Page(html.render(samples.refused_result())).text


def test_bar_of_an_overspent_budget_stays_inside() -> None:
    """Spending beyond the budget moves the lines of 50, 80 and 100 % inwards, not the bar out of its frame."""
    charge = samples.database().charge
    assert isinstance(charge, Charge)
    over = charge.model_copy(update={"consumed_before_percent": 90.0, "consumed_after_percent": 250.0})
    bar = sheet.bar(samples.passed_result(), samples.database(charge=over))
    assert bar is not None
    assert bar.before + bar.run <= 100
    assert [line for line, _ in bar.lines] == [50, 80, 100]
    assert "overspent by 150 %" in bar.text


def test_run_killed_before_anything_was_known_renders() -> None:
    """A record without an end, an objective or an injection is a page too."""
    bare = Result(
        run=samples.passed_run(status="error", exit_code=7, ended="", reason="the supervisor was killed")
    )
    assert "The supervisor was killed" in Page(html.render(bare)).text


def test_placebo_says_that_nothing_was_injected() -> None:
    """Neither page nor table claims a fault, its undo or a recovery; the time of the fault is still shown."""
    result = samples.placebo_result()
    page = html.render(result)
    visible = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert "nothing was injected: this was a placebo run" in visible
    assert "placebo: nothing was injected for PostgreSQL unreachable, its 20.0 s went by" in visible
    for claim in ("undone and verified", "fault in force", "was in force", "to recover", "Had the host died"):
        assert claim not in visible
    figure = timeline(result)
    assert figure is not None
    labels = " ".join(label["text"] for label in figure["layout"]["annotations"])
    assert "undone" not in labels
    assert "recovered" not in labels
