"""What the forms choose from: appeal types, categories, departments, pause reasons, dispositions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from api.tickets.fields import APPEAL_TYPES, GENDERS, RULES, URGENCIES, Disposition, Kind, Rule
from asr.lexicon import Lexicon
from telephony.agents import CHOSEN
from telephony.events import PauseReason


class CategoryView(BaseModel):
    code: str
    level1: str
    level2: str
    department: str


class UnlessView(BaseModel):
    field: str
    value: str | bool


class RuleView(BaseModel):
    """A field of the form. ``longest``: characters, 0 where there is no such limit. It must be filled in for the
    dispositions of ``required_for``, ``unless`` another field has this value."""

    name: str
    kind: Kind
    longest: int
    required_for: list[Disposition]
    unless: UnlessView | None


class ReferenceView(BaseModel):
    """``pause_reasons``: those a person gives; the others are found out. ``fields``: in the order of the form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "appeal_types": ["咨询", "求助", "投诉"],
                    "urgencies": ["一般", "紧急", "特急"],
                    "genders": ["男", "女", "未知"],
                    "categories": [
                        {
                            "code": "0101",
                            "level1": "城乡建设与住房",
                            "level2": "物业服务管理",
                            "department": "住建部门",
                        }
                    ],
                    "departments": ["住建部门"],
                    "pause_reasons": ["busy", "meal"],
                    "dispositions": ["direct_answer", "dispatch", "invalid"],
                    "fields": [
                        {
                            "name": "address",
                            "kind": "line",
                            "longest": 200,
                            "required_for": ["dispatch"],
                            "unless": {"field": "appeal_type", "value": "咨询"},
                        }
                    ],
                }
            ]
        }
    )

    appeal_types: list[str]
    urgencies: list[str]
    genders: list[str]
    categories: list[CategoryView]
    departments: list[str]
    pause_reasons: list[PauseReason]
    dispositions: list[Disposition]
    fields: list[RuleView]


def reference(lexicon: Lexicon) -> ReferenceView:
    categories = [
        CategoryView(code=one.code, level1=one.level1, level2=one.level2, department=one.department)
        for one in lexicon.categories
    ]
    return ReferenceView(
        appeal_types=list(APPEAL_TYPES),
        urgencies=list(URGENCIES),
        genders=list(GENDERS),
        categories=categories,
        departments=list(lexicon.departments),
        pause_reasons=[reason for reason in PauseReason if reason in CHOSEN],
        dispositions=list(Disposition),
        fields=[_rule(rule) for rule in RULES.values()],
    )


def _rule(rule: Rule) -> RuleView:
    unless = None
    if rule.unless is not None and rule.unless[1] is not None:
        unless = UnlessView(field=rule.unless[0], value=rule.unless[1])
    return RuleView(
        name=rule.name,
        kind=rule.kind,
        longest=rule.longest,
        required_for=[one for one in Disposition if one in rule.required_for],
        unless=unless,
    )
