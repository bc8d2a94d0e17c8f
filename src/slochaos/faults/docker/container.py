"""What all faults of containers share: finding the allowed ones, and operations that know which one they changed."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.errors import Refused, TargetGone, TargetNotAllowed
from slochaos.faults.allowlist import listed
from slochaos.faults.blast_radius import Reach
from slochaos.faults.docker.engine import LOCK_PREFIX, Container, Engine
from slochaos.faults.docker.lock import ContainerLock
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.injection import Injection, Member
from slochaos.faults.operation import Operation, Undone
from slochaos.faults.parameters import parameter, reach, text
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits
from slochaos.spec.targets import AllowedContainers


@dataclass(frozen=True)
class Containers:
    """The parameters that every fault of containers takes: a group of the allow-list, and how many of it."""

    target: str = parameter(text)
    hit: Reach = parameter(reach, default=Reach())


@dataclass(frozen=True)
class ContainerOperation(Operation):
    """A change to one container, known by its id. `started` is the start of it that was found running."""

    daemon: str
    container: str
    name: str
    started: str

    def check(self) -> None:
        """See that it runs, and is not frozen by somebody else."""
        with Engine(self.daemon) as engine:
            self._expect(engine)

    def _expect(self, engine: Engine) -> Container:
        """The container, before a change. Raises Refused, TargetNotAllowed."""
        try:
            found = engine.container(self.container)
        except TargetGone as error:
            raise TargetNotAllowed(f"the container {self.name!r} was removed or replaced just now") from error
        if not found.running or found.paused:
            how = "paused" if found.paused else "stopped"
            raise Refused(
                f"the container {self.name!r} is {how} already, so there is nothing to take away",
                hint="bring it up first, or find out who did that",
                reason="already-down",
            )
        return found

    def _ours(self, engine: Engine) -> Container | Undone:
        """The container as it is, or how the undo ends if that one does not exist any more."""
        try:
            return engine.container(self.container)
        except TargetGone:
            return Undone("gone", f"the container {self.name!r} was removed or replaced")

    def _docker(self, *words: str) -> str:
        """A command line of Docker's own client."""
        return shlex.join(["docker", "-H", self.daemon, *words])


class ContainerFault(Fault):
    """Base: one change to each of the group's containers that are hit."""

    parameters = Containers
    lasting: ClassVar[bool] = True

    def load(self) -> None:
        """The SDK, which is slow to import."""
        import docker  # noqa: F401

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """The group, and whether it stays if this host dies."""
        return FaultTraits(target=self.read(given).target, lasting=self.lasting)

    @abstractmethod
    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """The operations on one container, with what has to be known of it to put it back."""

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The group that the environment lists under this name."""
        asked = self.read(given)
        group = _allowed(asked.target, environment)

        def members() -> list[Member]:
            with Engine(group.daemon) as engine:
                return [Member(each.id, each.name) for each in engine.running(dict(group.labels))]

        def changes(member: Member) -> tuple[Operation, ...]:
            with Engine(group.daemon) as engine:
                return self.change(engine, engine.container(member.key), asked, ticket)

        def lock(member: Member) -> ContainerLock:
            with Engine(group.daemon) as engine:
                return ContainerLock(group.daemon, member.name, engine.container(member.key).image)

        return Injection(
            target=f"docker {group.name}",
            queue=f"{group.daemon} {group.name}",
            members=members,
            changes=changes,
            lock=lock,
            lock_name=f"{LOCK_PREFIX}CONTAINER",
            lock_place=group.daemon,
            reach=asked.hit,
            spare=group.spare,
            lasting=self.lasting,
        )

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The group and its labels."""
        try:
            group = _allowed(self.read(given).target, environment)
        except TargetNotAllowed:
            return ""
        labels = ", ".join(f"{name}={value}" for name, value in group.labels)
        return f"targets.docker in {environment.path.name}: {group.name} ({labels} on {group.daemon})"

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The daemon goes on, and knows no deadline."""
        return "stays until recovered"


def _allowed(name: str, environment: Environment) -> AllowedContainers:
    return listed(name, environment.targets.containers, environment, what="containers", under="docker")
