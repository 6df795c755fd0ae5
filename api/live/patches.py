"""The smallest difference between two states of a channel, as operations a client can apply (pure).

``["set", path, value]``, ``["del", path]`` and ``["app", path, segment]``; a path is keys joined by ``/`` from the
root of the channel's data. A list is replaced as a whole, except a list of segments (objects with ``seg`` and ``rev``):
those are sent one by one and the receiver keeps them by ``seg``, the higher ``rev`` winning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Op = list[Any]
Data = dict[str, Any]


def diff(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "") -> list[Op]:
    """Operations that lead from ``old`` to ``new``; empty when they are equal. Neither is changed."""
    ops: list[Op] = []
    for key in old.keys() - new.keys():
        ops.append(["del", at + key])
    for key, value in new.items():
        path = at + key
        if key not in old:
            ops.append(["set", path, value])
            continue
        before = old[key]
        if before is value or before == value:
            continue
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            ops.extend(diff(before, value, f"{path}/"))
        elif _grew(before, value):
            ops.extend(["app", path, segment] for segment in _changed_segments(before, value))
        else:
            ops.append(["set", path, value])
    return ops


def apply(data: Data, ops: Sequence[Op]) -> Data:
    """What a client makes of a patch: the reference for the console's own implementation. ``data`` is not changed."""
    result = dict(data)
    for op in ops:
        *parents, last = op[1].split("/")
        target = result
        for key in parents:
            target[key] = dict(target[key])
            target = target[key]
        match op[0]:
            case "set":
                target[last] = op[2]
            case "del":
                target.pop(last, None)
            case "app":
                target[last] = _with_segment(target.get(last, ()), op[2])
            case other:
                raise ValueError(f"unknown operation {other!r}")
    return result


def _is_segments(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(item, Mapping) and "seg" in item and "rev" in item for item in value
    )


def _grew(before: object, after: object) -> bool:
    """Whether both are lists of segments and none of the former ones has gone."""
    if not (_is_segments(before) and _is_segments(after) and after):
        return False
    assert isinstance(before, list | tuple)
    assert isinstance(after, list | tuple)
    return {item["seg"] for item in before} <= {item["seg"] for item in after}


def _changed_segments(before: Sequence[Data], after: Sequence[Data]) -> list[Data]:
    known = {item["seg"]: item for item in before}
    return [item for item in after if known.get(item["seg"]) != item]


def _with_segment(segments: Sequence[Data], segment: Data) -> list[Data]:
    kept = {item["seg"]: item for item in segments}
    known = kept.get(segment["seg"])
    if known is None or segment["rev"] >= known["rev"]:
        kept[segment["seg"]] = segment
    return list(kept.values())
