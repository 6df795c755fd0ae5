"""Words for staying unknown where a recogniser wrote others of their sound: 宝蜜 is 保密, 泥名 匿名 (pure)."""

from __future__ import annotations

import re
from functools import lru_cache

from asr.prefill.reading import Talk, reworded, substituted

_PUT_RIGHT = (
    (re.compile(r"[保宝报][密蜜秘](?![书局方])"), "保密"),
    (re.compile(r"(?:(?<=[写选设登标]上)|(?<=[设做]成)|(?<=给您)|(?<=需要)|(?<=要求))保命"), "保密"),
    (re.compile(r"[保宝][啥傻沙][密蜜秘命]"), "保啥密"),
    (re.compile(r"[匿逆泥腻][名明铭]"), "匿名"),
    (re.compile(r"(?:(?<=^)|(?<=[，。按]))明明(?=登记|举报|处理)"), "匿名"),
    (re.compile(r"(?<=可以)移民(?=，来电|，您|，我们|登记|举报|反映)"), "匿名"),
)


def by_ear(talk: Talk) -> Talk:
    """The talk with these words put right."""
    return reworded(talk, put_right)


@lru_cache(maxsize=8192)
def put_right(text: str) -> str:
    """As long as it was."""
    return substituted(text, _PUT_RIGHT)
