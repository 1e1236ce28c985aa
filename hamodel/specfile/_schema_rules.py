"""What fields must be to each other, as far as a JSON schema can say it.

The classes check it themselves when they are made; a test holds both side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hamodel._types import Json, Value

#: A value stands on one thing.
ONE_SOURCE: list[Json] = [
    {"not": {"required": pair}}
    for pair in (["fact", "derived"], ["fact", "assumed"], ["derived", "assumed"])
]


def holds(name: str, *values: Value) -> Json:
    """Return that a field is there and is one of some values."""
    among = {"enum": list(values)}
    carried = {"properties": {"value": among}, "required": ["value"]}
    shape = {"anyOf": [among, {"type": "object", **carried}]}
    return {"properties": {name: shape}, "required": [name]}


def given(*names: str) -> Json:
    """Return that fields are there, and not none."""
    none = {"type": "null"}
    carried = {"properties": {"value": none}, "required": ["value"]}
    shape = {"not": {"anyOf": [none, {"type": "object", **carried}]}}
    return {"properties": dict.fromkeys(names, shape), "required": list(names)}


def _none(*names: str) -> Json:
    """Return that no field of these is there."""
    return {"properties": {name: {"type": "null"} for name in names}}


def _if(one: Json, then: Json) -> Json:
    return {"if": one, "then": then}


def _within(name: str, shape: Value) -> Json:
    return {"properties": {name: shape}}


def _some(name: str, item: Json, most: int | None = None) -> Json:
    """Return that a list holds such an item, or at most some of them."""
    if most is None:
        return {"properties": {name: {"contains": item}}, "required": [name]}
    return _within(name, {"contains": item, "minContains": 0, "maxContains": most})


def alike(*names: str) -> Json:
    """Return that times have a unit all, or none has one."""
    digits = {"type": "string", "pattern": "^[-+0-9_., ]*[1-9][-+0-9_., ]*$"}
    bare = {"anyOf": [{"type": "number", "not": {"const": 0}}, digits]}
    unit = {"type": "string", "pattern": r"[0-9]\s*[a-zA-Zµμ]"}
    some = [
        {"anyOf": [{"properties": {n: s}, "required": [n]} for n in names]}
        for s in (bare, unit)
    ]
    return {"not": {"allOf": some}}


_NOT_ONE = {"type": "object", "not": holds("promotable", False)}
#: What holds also where a file is extended, by the name of the class.
_ANYWAY: Mapping[str, Callable[[], list[Json]]] = {
    "Failure": lambda: [
        _if(
            holds("kind", "host", "process", "hang", "network", "everywhere"),
            _none("backup", "restore"),
        ),
        _if(holds("kind", "everywhere"), _none("detection", "coverage")),
    ],
    "Region": lambda: [
        _within("failures", {"items": {"not": holds("kind", "everywhere")}})
    ],
    "ActiveActive": lambda: [
        _within("sites", {"minItems": 1}),
        _within(
            "replication",
            _within(
                "mode", {"not": {"enum": ["semi-sync", "sync", "quorum", "in-sync"]}}
            ),
        ),
    ],
    "ActivePassive": lambda: [
        _within("sites", {"minItems": 1}),
        _within("replicas", {"anyOf": [{"maxItems": 0}, {"contains": _NOT_ONE}]}),
        _some("depends_on", holds("effect", "no failover"), 1),
    ],
    "Majority": lambda: [
        _within(
            "failover",
            _within(
                "detection",
                {
                    "properties": dict.fromkeys(
                        ("election", "raft election", "consul election"), False
                    )
                },
            ),
        ),
    ],
    "Replication": lambda: [
        _if(
            holds("mode", "async", "semi-sync", "sync", "quorum"),
            {"not": holds("unclean", True)},
        ),
    ],
    "Workload": lambda: [
        {"not": {"allOf": [holds("reads", 0, "0/s"), holds("writes", 0, "0/s")]}}
    ],
}
#: What holds where nothing is extended.
_WHOLE: Mapping[str, Callable[[], list[Json]]] = {
    "Failover": lambda: [
        _if(given("tries"), given("retry")),
        _if(
            {"allOf": [given("retry"), {"not": given("tries")}]},
            {"not": {"anyOf": [holds("coverage", 0), given("manual")]}},
        ),
    ],
    "Failure": lambda: [
        _if({"anyOf": [given("backup"), given("restore")]}, holds("kind", "disk")),
    ],
    "ActivePassive": lambda: [
        _if(given("failback"), given("replicas")),
        _if(
            given("old_primary"),
            {
                "anyOf": [
                    given("stalls"),
                    _some("failures", holds("kind", "network")),
                    {
                        "properties": {
                            "failover": _within("detection", {"type": "object"})
                            | {"required": ["detection"]}
                        }
                    },
                ]
            },
        ),
    ],
    "Replication": lambda: [
        _if(holds("unclean", True), holds("mode", "in-sync")),
        _if(
            {
                "properties": {"acknowledgements": {"type": "integer", "minimum": 2}},
                "required": ["acknowledgements"],
            },
            {"anyOf": [given("standbys"), given("delay")]},
        ),
    ],
    "Workload": lambda: [
        _if(
            given("retry_budget"), {"required": ["retries"], "not": holds("retries", 0)}
        )
    ],
}


def anyway(made: type) -> list[Json]:
    """Return what holds for a specification, also where it changes another."""
    return _ANYWAY[made.__name__]() if made.__name__ in _ANYWAY else []


def whole(made: type) -> list[Json]:
    """Return what holds for a specification that changes no other."""
    return _WHOLE[made.__name__]() if made.__name__ in _WHOLE else []
