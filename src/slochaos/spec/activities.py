"""The activities of a Chaos Toolkit document, found statically: whose code they are, and what ours ask for.

Chaos Toolkit's format is not ours to restrict: what is checked here is what chaoslib itself refuses, with
the line, and everything about slochaos's own functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from slochaos.spec.fields import Field, Section
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted

ACTIONS = "slochaos.extension.actions"
PROBES = "slochaos.extension.probes"

Place = Literal["method", "rollbacks", "hypothesis", "configuration"]


@dataclass(frozen=True)
class Signature:
    """The arguments that one of our functions takes."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    open: bool = False
    """Whether it takes any other argument too: the fault's parameters."""


FUNCTIONS: dict[str, dict[str, Signature]] = {
    ACTIONS: {
        "toxiproxy": Signature(required=("toxic", "duration")),
        "inject": Signature(required=("fault", "duration"), open=True),
        "nothing": Signature(required=("duration",)),
        "random_failures": Signature(
            required=("pool", "duration"), optional=("every", "lasts", "probability", "at_most", "seed")
        ),
        "end_faults": Signature(),
    },
    PROBES: {
        "objective_holds": Signature(required=("objective",), optional=("window", "within")),
        "good_ratio": Signature(required=("objective",), optional=("window",)),
    },
}
"""Our functions in experiments. A test compares this with the functions themselves."""


@dataclass(frozen=True)
class Activity:
    """One action or probe, where it stands, and how it is called. Pauses are fields: they may be variables."""

    field: Field
    place: Place
    name: str
    type: str
    provider: Section
    background: bool
    pauses: Section | None

    @property
    def code(self) -> str:
        """What it runs: `module.func`, `process:PATH` or `http:URL`."""
        kind = self.provider["type"].node.value
        if kind == "python":
            return f"{self.provider['module'].text()}.{self.provider['func'].text()}"
        return (
            f"process:{self.provider['path'].text()}"
            if kind == "process"
            else f"http:{self.provider['url'].text()}"
        )

    @property
    def is_ours(self) -> bool:
        """Whether it calls a function of slochaos."""
        return self.provider["type"].node.value == "python" and _is_ours(self.provider["module"].text())

    @property
    def function(self) -> str:
        """The name of our function that it calls. Only if `is_ours`."""
        return self.provider["func"].text()

    def arguments(self) -> dict[str, Field]:
        """Arguments of one of our functions, checked by name. Raises InvalidInput."""
        module = self.provider["module"]
        functions = FUNCTIONS.get(module.text())
        if functions is None:
            raise module.error(
                f"{quoted(module.text())} is no module for experiments",
                did_you_mean(module.text(), FUNCTIONS),
            )
        if self.function not in functions:
            hint = did_you_mean(self.function, functions)
            raise self.provider["func"].error(
                f"{module.text()} has no function {quoted(self.function)}", hint
            )
        if module.text() == ACTIONS and (self.type != "action" or self.place not in ("method", "rollbacks")):
            raise self.field.error(
                f"{self.function} is an action", "actions stand in the method or the rollbacks"
            )
        signature = functions[self.function]
        if "arguments" not in self.provider:
            if signature.required:
                raise self.provider.field.error(f"the argument {signature.required[0]!r} is missing")
            return {}
        given = self.provider["arguments"]
        others = tuple(given.members()) if signature.open else ()
        section = given.section(required=signature.required, optional=(*signature.optional, *others))
        return dict(section.members)


def read_activities(root: Section) -> list[Activity]:
    """Every activity of the experiment: hypothesis (with tolerances), method, rollbacks, configuration.

    A `ref` is replaced by what it refers to. Raises InvalidInput.
    """
    hypothesis = _hypothesis(root)
    written: dict[Place, list[Field]] = {
        "hypothesis": list(hypothesis.items("probes")) if hypothesis else [],
        "method": root["method"].items(),
        "rollbacks": list(root.items("rollbacks")),
    }
    named: dict[str, Activity] = {}
    for place in ("method", "hypothesis"):
        own = [_activity(field, place) for field in written[place] if not _ref(field)]
        named |= {each.name: each for each in own}
    found = [_resolved(field, place, named) for place, fields in written.items() for field in fields]
    tolerances = [
        _tolerance(each) for each in found if each.place == "hypothesis" and _has_tolerance_probe(each)
    ]
    return [*found, *tolerances, *_dynamic_configuration(root)]


def control_modules(root: Section, activities: list[Activity]) -> Iterator[tuple[str, Field]]:
    """Modules of controls, of the experiment, its hypothesis and its activities: they run code too."""
    hypothesis = _hypothesis(root)
    owners = [
        root,
        *([hypothesis] if hypothesis else []),
        *(each.field.open_section() for each in activities),
    ]
    for owner in owners:
        for control in owner.items("controls"):
            section = control.open_section()
            if "ref" in section:
                continue
            provider = section["provider"].open_section()
            if provider["type"].node.value != "python":
                continue
            if _is_ours(provider["module"].text()):
                raise provider["module"].error(
                    "slochaos has no controls", "its settings stand in 'extensions'"
                )
            yield provider["module"].text(), control


def _hypothesis(root: Section) -> Section | None:
    if "steady-state-hypothesis" not in root or root["steady-state-hypothesis"].node.value is None:
        return None
    section = root["steady-state-hypothesis"].open_section()
    section["title"].scalar()
    return section


def _ref(field: Field) -> str:
    section = field.open_section()
    return section["ref"].text() if "ref" in section else ""


def _resolved(field: Field, place: Place, named: dict[str, Activity]) -> Activity:
    """The activity, or the one that it refers to; a reference keeps its own `background`."""
    reference = _ref(field)
    if not reference:
        return _activity(field, place)
    if reference not in named:
        raise field.error(f"there is no activity {quoted(reference)}", did_you_mean(reference, named))
    other = named[reference]
    return Activity(
        field=Field(field.document, field.path, other.field.node),
        place=place,
        name=other.name,
        type=other.type,
        provider=other.provider,
        background=field.open_section().get("background", Field.flag, False),
        pauses=other.pauses,
    )


def _activity(field: Field, place: Place) -> Activity:
    section = field.open_section()
    kind = section["type"].one_of("action", "probe")
    provider = section["provider"].open_section()
    needs = {"python": ("module", "func"), "process": ("path",), "http": ("url",)}
    for name in needs[provider["type"].one_of(*needs)]:
        provider[name].text()
    return Activity(
        field=field,
        place=place,
        name=section["name"].scalar(),
        type=kind,
        provider=provider,
        background=section.get("background", Field.flag, False),
        pauses=section.get("pauses", _pauses, None),
    )


def _pauses(field: Field) -> Section | None:
    return None if field.node.value is None else field.open_section()


def _has_tolerance_probe(probe: Activity) -> bool:
    tolerance = probe.field.open_section().members.get("tolerance")
    return tolerance is not None and isinstance(tolerance.node.value, dict) and _type(tolerance) == "probe"


def _tolerance(probe: Activity) -> Activity:
    return _activity(probe.field.open_section()["tolerance"], "hypothesis")


def _dynamic_configuration(root: Section) -> Iterator[Activity]:
    for value in root["configuration"].members().values() if "configuration" in root else ():
        if isinstance(value.node.value, dict) and _type(value) == "probe":
            yield _activity(value, "configuration")


def _type(field: Field) -> object:
    known = field.open_section().members
    return known["type"].node.value if "type" in known else None


def _is_ours(module: str) -> bool:
    return module == "slochaos" or module.startswith("slochaos.")
