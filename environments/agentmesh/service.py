"""What AgentMesh does: agents, tasks, and running a task, with or without resilience.

With resilience, reads are answered from the last good answer and writes go to the outbox while the database
is gone; a run that the provider cannot serve is queued and worked off later. The number of queries that a
request asks for is the same in good and in bad times, so that error shares compare.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .completion import Provider, ProviderUnavailable
from .outbox import Entry, Outbox
from .storage import APPLY, Database, DatabaseUnavailable

LIST_AGENTS = """SELECT coalesce(json_agg(a), '[]')::text
    FROM (SELECT id, name, model FROM agents ORDER BY id LIMIT 20) AS a"""
LIST_TASKS = """SELECT coalesce(json_agg(t), '[]')::text
    FROM (SELECT id, prompt, status FROM tasks WHERE agent_id = %s ORDER BY created_at DESC LIMIT 20) AS t"""
READ_TASK = """SELECT row_to_json(t)::text
    FROM (SELECT id, agent_id, prompt, status, result FROM tasks WHERE id = %s) AS t"""
LIST_QUEUED = """SELECT coalesce(json_agg(t), '[]')::text
    FROM (SELECT id, prompt FROM tasks WHERE status = 'queued' ORDER BY run_at LIMIT 20) AS t"""
WARM_TASKS = """SELECT coalesce(json_agg(t), '[]')::text
    FROM (SELECT id, agent_id, prompt, status, result FROM tasks ORDER BY created_at DESC LIMIT 1000) AS t"""

CACHE_SIZE = 10_000
BACKGROUND_EVERY_S = 0.5
RUNS_AT_ONCE = 5


@dataclass(frozen=True)
class Answer:
    """A JSON text, and whether it is what the database says, accepted for later, or a cached answer."""

    body: str
    status: Literal["fresh", "cached", "created", "accepted"]


class NotFound(Exception):
    """There is no such agent or task."""


class Unavailable(Exception):
    """The request cannot be served now."""


class AgentMesh:
    """The operations of the API. Without an outbox there is no cache either: failures are passed on."""

    def __init__(self, database: Database, provider: Provider, outbox: Outbox | None) -> None:
        self._database = database
        self._provider = provider
        self._outbox = outbox
        self._cache: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._may_have_queued = True

    async def list_agents(self) -> Answer:
        """The first 20 agents."""
        return await self._read("SELECT agents", LIST_AGENTS)

    async def list_tasks(self, agent: str) -> Answer:
        """The agent's 20 newest tasks."""
        return await self._read("SELECT tasks", LIST_TASKS, agent)

    async def read_task(self, task: str) -> Answer:
        """One task. Raises NotFound."""
        return await self._read("SELECT tasks", READ_TASK, task)

    async def create_agent(self, name: str, model: str) -> Answer:
        """Store a new agent."""
        entry = {"id": f"agent-{uuid.uuid4().hex}", "name": name, "model": model}
        stored = await self._write("agent", entry)
        return Answer(json.dumps(entry), "accepted" if stored is None else "created")

    async def create_task(self, agent: str, prompt: str) -> Answer:
        """Store a new task of an agent. Raises NotFound; an accepted task of an unknown agent is dropped."""
        entry = {"id": f"task-{uuid.uuid4().hex}", "agent_id": agent, "prompt": prompt}
        stored = await self._write("task", entry)
        if stored == 0:
            raise NotFound(f"no agent {agent}")
        return Answer(json.dumps(entry), "accepted" if stored is None else "created")

    async def run_task(self, task: str) -> Answer:
        """Run a task through the provider, or queue it where provider or prompt is out of reach."""
        try:
            prompt = json.loads((await self.read_task(task)).body)["prompt"]
            result = await self._provider.complete(prompt)
        except (ProviderUnavailable, Unavailable) as error:
            if self._outbox is None:
                raise Unavailable(str(error)) from error
            result = None
        entry = _run_entry(task, result)
        stored = await self._write("run", entry)
        self._may_have_queued = self._may_have_queued or result is None
        return Answer(json.dumps(entry), "accepted" if stored is None or result is None else "fresh")

    async def is_healthy(self) -> bool:
        """Whether the database answers."""
        try:
            await self._database.fetch("SELECT 1", "SELECT 1")
        except DatabaseUnavailable:
            return False
        return True

    @property
    def is_resilient(self) -> bool:
        """Whether requests are served without the database."""
        return self._outbox is not None

    async def _read(self, operation: str, statement: str, key: str = "") -> Answer:
        try:
            body = await self._database.fetch(operation, statement, (key,) if key else ())
        except DatabaseUnavailable as error:
            cached = self._cache.get((statement, key))
            if cached is None or self._outbox is None:
                raise Unavailable(str(error)) from error
            return Answer(cached, "cached")
        if body is None:
            raise NotFound(f"no task {key}")
        self._remember(statement, key, body)
        return Answer(body, "fresh")

    def _remember(self, statement: str, key: str, body: str) -> None:
        self._cache[statement, key] = body
        self._cache.move_to_end((statement, key))
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)

    async def _write(self, kind: str, entry: Entry) -> int | None:
        """How many rows changed; None if the entry is in the outbox for later."""
        try:
            return await self._database.apply(kind, [entry])
        except DatabaseUnavailable as error:
            if self._outbox is None:
                raise Unavailable(str(error)) from error
        try:
            await self._outbox.append({"kind": kind, **entry})
        except OSError as error:
            raise Unavailable(f"neither database nor outbox can be written: {error}") from error
        return None

    async def warm_up(self) -> None:
        """Fill the cache with what most requests ask for. Raises DatabaseUnavailable."""
        agents = json.loads((await self.list_agents()).body)
        tasks = json.loads(await self._database.fetch("SELECT tasks", WARM_TASKS) or "[]")
        for task in tasks:
            self._remember(READ_TASK, task["id"], json.dumps(task))
        for agent in sorted({task["agent_id"] for task in tasks} | {agent["id"] for agent in agents}):
            await self.list_tasks(agent)

    async def work_in_background(self) -> None:
        """Apply the outbox and run queued tasks whenever database and provider allow, until cancelled."""
        while True:
            await asyncio.sleep(BACKGROUND_EVERY_S)
            with contextlib.suppress(DatabaseUnavailable, ProviderUnavailable):
                if self._outbox and _allows(self._database):
                    await self._outbox.drain(self._apply)
                if self._may_have_queued and _allows(self._database) and _allows(self._provider):
                    await self._run_queued()

    async def _apply(self, entries: Sequence[Entry]) -> None:
        for kind in APPLY:
            of_kind = [entry for entry in entries if entry["kind"] == kind]
            if of_kind:
                await self._database.apply(kind, of_kind)

    async def _run_queued(self) -> None:
        self._may_have_queued = False
        queued = json.loads(await self._database.fetch("SELECT tasks", LIST_QUEUED) or "[]")
        self._may_have_queued = bool(queued)
        for start in range(0, len(queued), RUNS_AT_ONCE):
            some = queued[start : start + RUNS_AT_ONCE]
            results = await asyncio.gather(*(self._provider.complete(task["prompt"]) for task in some))
            entries = [_run_entry(task["id"], text) for task, text in zip(some, results, strict=True)]
            await self._database.apply("run", entries)


def _allows(other: Database | Provider) -> bool:
    return other.breaker is None or other.breaker.allows


def _run_entry(task: str, result: str | None) -> Entry:
    return {"id": task, "status": "queued" if result is None else "done", "result": result, "at": time.time()}
