"""The ledger, on a thread of its own: its import is slower than a short run, so it goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from slochaos.ledger.store import Ledger

T = TypeVar("T")


class Bookkeeper:
    """Calls on the ledger, one after another. `location` is `environment.ledger`, set before the first call."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._ledger: Ledger | None = None
        self.location = ""

    def begin_import(self) -> None:
        """Import the database's library from now on, before anything is asked."""
        self._worker.submit(_import)

    def ask(self, work: Callable[[Ledger], T]) -> Future[T]:
        """Do `work` with the ledger. The future raises StateError."""
        return self._worker.submit(self._do, work)

    def close(self) -> None:
        """Finish what was asked for and let go."""
        self._worker.submit(self._close)
        self._worker.shutdown(wait=True)

    def _do(self, work: Callable[[Ledger], T]) -> T:
        from slochaos.ledger.store import Ledger

        self._ledger = self._ledger or Ledger(self.location)
        return work(self._ledger)

    def _close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()


def _import() -> None:
    import slochaos.ledger.store  # noqa: F401
