"""What a person decides between: the categories that come into question, and the departments that overlap (pure)."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from asr.lexicon import Category, Lexicon
from asr.prefill import Option, Suggestion

MOST_CATEGORIES = 3
_LED = 0.7
"""Of a category's share what its own department has; those that have a part in it share the rest."""

Ranked = Sequence[tuple[str, float]]
"""Categories with their shares, the likeliest first."""


def categories(chosen: str | None, ranked: Ranked, *, never: Container[str] = ()) -> list[str]:
    """The chosen one and those that come next, ``never`` these."""
    likely = [code for code, _ in ranked if code not in never]
    return list(dict.fromkeys([*([chosen] if chosen else []), *likely]))[:MOST_CATEGORIES]


def departments(category: Category | None, chosen: str | None) -> list[str]:
    """Whoever might be in charge, the proposed one first: where they overlap a person decides."""
    listed = [chosen] if chosen else []
    listed += [category.department, *category.co_departments] if category is not None else []
    return list(dict.fromkeys(listed))


def with_options(
    found: Sequence[Suggestion], ranked: Ranked, lexicon: Lexicon, *, never: Container[str] = ()
) -> list[Suggestion]:
    """``found``, its category and its department with what else comes into question."""
    code = next((one.value for one in found if one.field == "category_code"), None)
    shares = dict(ranked)
    result = []
    for one in found:
        if one.field == "category_code":
            names = categories(one.value, ranked, never=never)
            one = replace(one, options=_options(one, names, [shares.get(name, 0.0) for name in names]))
        elif one.field == "department":
            names = departments(lexicon.category(code) if code else None, one.value)
            one = replace(one, options=_options(one, names, [_share(name, ranked, lexicon) for name in names]))
        result.append(one)
    return result


def _options(one: Suggestion, names: Sequence[str], shares: Sequence[float]) -> tuple[Option, ...]:
    """The suggested value is as likely as the suggestion says; the others divide what is left by their shares."""
    left, others = 1 - one.confidence, sum(shares[1:])
    if not others:
        return ()
    rest = [
        Option(value=name, confidence=round(left * share / others, 2))
        for name, share in zip(names[1:], shares[1:], strict=True)
    ]
    rest = sorted((option for option in rest if option.confidence > 0), key=lambda option: -option.confidence)
    return (Option(value=one.value, confidence=one.confidence), *rest) if rest else ()


def _share(department: str, ranked: Ranked, lexicon: Lexicon) -> float:
    total = 0.0
    for code, share in ranked:
        category = lexicon.category(code)
        if category is None:
            continue
        if department == category.department:
            total += share * (_LED if category.co_departments else 1.0)
        elif department in category.co_departments:
            total += share * (1 - _LED) / len(category.co_departments)
    return total
