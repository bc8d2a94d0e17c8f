"""A Rich console with the manners that every page of ours needs: safe text, ASCII where needed, marks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from slochaos.reports.plain import ascii_only, one_line, printable

MARK_STYLES = {"+": "green", "x": "bold red", "?": "yellow", "~": "dim"}
_BAR_CELLS = 6
_GAP = 2


class Screen:
    """Prints lines and tables on one console; text is never read as Rich's markup."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.ascii = console.options.ascii_only
        self.width = console.width

    def text(self, text: str, style: str = "") -> Text:
        """One line of anybody's text, safe to show here."""
        safe = one_line(text)
        return Text(ascii_only(safe) if self.ascii else safe, style=style)

    def line(self, *parts: Text | str, indent: int = 0, style: str = "") -> None:
        """One paragraph, folded at the width and indented as a whole."""
        joined = Text(style=style).join(
            [self.text(part) if isinstance(part, str) else part for part in parts]
        )
        for folded in joined.wrap(self._console, max(20, self.width - indent)):
            folded.rstrip()
            self._print(Text(" " * indent).append_text(folded))

    def verbatim(self, text: str, indent: int = 0, style: str = "") -> None:
        """A command to copy: never folded, never cut."""
        safe = printable(text)
        shown = Text(" " * indent).append(ascii_only(safe) if self.ascii else safe, style=style)
        self._print(shown)

    def blank(self) -> None:
        """An empty line."""
        self._console.print()

    def bar(self, percent: float | None) -> Text:
        """What is left of a budget, as a bar: the colours change at a half and a fifth of it."""
        if percent is None:
            return Text("")
        full, empty = ("#", ".") if self.ascii else ("█", "░")
        cells = min(_BAR_CELLS, max(0, round(percent / 100 * _BAR_CELLS)))
        # Whatever is left shows, and whatever is spent too.
        if percent > 0:
            cells = max(1, cells)
        if percent < 100:
            cells = min(_BAR_CELLS - 1, cells)
        style = "red" if percent <= 20 else "yellow" if percent <= 50 else "green"
        return Text(full * cells, style=style).append(empty * (_BAR_CELLS - cells), style="dim")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[Text]], right: Sequence[int] = ()) -> None:
        """Columns of their natural width, nothing folded; see `fits`. `right`: columns of numbers."""
        lines = [[Text(title, style="bold") for title in head], *rows]
        widths = _widths(head, rows)
        for cells in lines:
            line = Text()
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
                gap = " " * (width - cell.cell_len)
                line.append(gap if number in right else "").append_text(cell)
                line.append(("" if number in right else gap) + " " * _GAP)
            line.rstrip()
            self._print(line)

    def fits(self, head: Sequence[str], rows: Sequence[Sequence[Text]]) -> bool:
        """Whether a table of these cells needs no more than the width."""
        return sum(_widths(head, rows)) + _GAP * (len(head) - 1) <= self.width

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)


def _widths(head: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    columns = zip(head, *([cell.plain for cell in row] for row in rows), strict=True)
    return [max(cell_len(cell) for cell in column) for column in columns]
