"""The JSON schema of what `hamodel assess --json` prints."""

from __future__ import annotations

from typing import TypeAlias

#: What the JSON of `hamodel assess` is called; the number grows with its form.
FORM = "hamodel/assessment/4"

Shape: TypeAlias = "dict[str, object]"

_WORD: Shape = {"type": "string"}
_WORDS: Shape = {"type": "array", "items": _WORD}
_NUMBER: Shape = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf"]}]}
_SHARE: Shape = {"type": "number", "minimum": 0, "maximum": 1}
_FLAG: Shape = {"type": "boolean"}


def _maybe(shape: Shape) -> Shape:
    return {"anyOf": [shape, {"type": "null"}]}


def _said(shape: Shape, words: str) -> Shape:
    return {**shape, "description": words}


def _list(of: Shape) -> Shape:
    return {"type": "array", "items": of}


def _all(**fields: Shape) -> Shape:
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _by_name(of: Shape) -> Shape:
    return {"type": "object", "additionalProperties": of}


_LAW = _all(p50=_NUMBER, p95=_NUMBER, p99=_NUMBER)
_CHANGE = _all(before=_NUMBER, after=_NUMBER)
_OPERATION = _all(
    unavailability=_said(_SHARE, "expected, over what is uncertain"),
    unavailability_interval=_maybe(
        _said(_list(_SHARE), "5 % and 95 % over what is uncertain")
    ),
    minutes_per_year=_NUMBER,
    minutes_per_year_if_dependent=_said(
        _NUMBER, "if the failures of databases had a common cause 1 time in 20"
    ),
    median_year_min=_said(_NUMBER, "minutes that every other year exceeds"),
    worst_year_in_10_min=_NUMBER,
    downtime_by_cause=_said(_by_name(_SHARE), "parts of the unavailability"),
)
_FIELDS: dict[str, Shape] = {
    "form": {"const": FORM},
    "title": _WORD,
    "file": _WORD,
    "architecture": _WORD,
    "met": _said(_maybe(_FLAG), "all requirements; null where there are none"),
    "findings": _said(_WORDS, "what is wrong, such as overload"),
    "availability": _all(write=_OPERATION, read=_OPERATION),
    "uncertain": _said(
        _WORDS,
        "parameters with a belief: availability, its causes and what of a budget is "
        "used are means over it, all else is at its median",
    ),
    "recovery_s": _said(
        _all(
            rto=_maybe(_said(_LAW, "of failovers that work")),
            outage=_maybe(_said(_LAW, "of all failures, however it ends")),
            rpo=_maybe(_said(_LAW, "age of the oldest lost write, if any is")),
            replication_lag=_maybe(_LAW),
        ),
        "times in s",
    ),
    "at_risk": _all(
        lost_writes_per_year=_maybe(_NUMBER),
        missing_writes_per_year=_maybe(_NUMBER),
        stale_read_share=_maybe(_SHARE),
        conflicts_per_day=_maybe(_NUMBER),
    ),
    "utilisation": _by_name(_all(now=_NUMBER, after_a_site_loss=_NUMBER)),
    "overloaded": _FLAG,
    "latency_s": _list(
        _all(site=_WORD, operation=_WORD, p50=_NUMBER, p95=_NUMBER, p99=_NUMBER)
    ),
    "single_points_of_failure": _WORDS,
    "objectives": _list(
        _all(
            operation=_WORD,
            availability=_SHARE,
            chance_of_a_month=_SHARE,
            budget_of_a_month_s=_NUMBER,
            expected_of_a_month_s=_NUMBER,
        )
    ),
    "journeys": _maybe(
        _all(
            period_s=_NUMBER,
            chance_of_all=_said(_maybe(_SHARE), "that all keep their objectives"),
            journeys=_by_name(
                _all(
                    path=_WORD,
                    objective=_maybe(_SHARE),
                    unavailability=_SHARE,
                    minutes_per_year=_NUMBER,
                    downtime_by_cause=_by_name(_SHARE),
                    chance=_said(_maybe(_SHARE), "to keep its objective"),
                )
            ),
        )
    ),
    "requirements": _list(
        _all(
            name=_WORD,
            site=_maybe(_WORD),
            value=_NUMBER,
            limit=_NUMBER,
            met=_FLAG,
            chance=_said(_maybe(_SHARE), "that it is kept, over what is uncertain"),
        )
    ),
    "changes": _list(
        _all(
            parameter=_WORD, **{"from": _WORD}, to=_WORD, minutes_saved_per_year=_NUMBER
        )
    ),
    "alternatives": _list(
        _all(
            parameter=_WORD,
            change=_WORD,
            minutes_saved_per_year=_NUMBER,
            writes_kept_per_year=_NUMBER,
            cost=_said(_NUMBER, "more than now, in the unit of Node.cost"),
        )
    ),
    "change": _said(
        _maybe(
            _all(
                against=_WORD,
                title=_WORD,
                measures=_by_name(_CHANGE),
                minutes_per_year_by_cause=_all(
                    write=_by_name(_CHANGE), read=_by_name(_CHANGE)
                ),
                journey_minutes_per_year_by_cause=_by_name(_by_name(_CHANGE)),
                allowed_minutes_per_year=_maybe(_NUMBER),
                met=_maybe(_FLAG),
            )
        ),
        "what it changes of another file, with --against",
    ),
    "measures": _by_name(_maybe(_NUMBER)),
    "units": _said(_by_name(_WORD), "of the measures that have one"),
}


def of_assessment() -> Shape:
    """Return the schema; `form` grows with each change of it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What hamodel assess --json prints; times in s, shares from 0 to 1",
        **_all(**_FIELDS),
    }
