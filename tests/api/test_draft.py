"""The draft: what people decide stays, what is suggested waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api.errors import InvalidField, NotNow
from api.tickets import draft as drafts
from api.tickets import fields, lifecycle, stored
from api.tickets.draft import FILLS, Draft, Field, OfferStatus, Origin
from api.tickets.fields import RULES, Disposition, Value
from api.tickets.lifecycle import State
from asr.prefill import Evidence, Option, Suggestion

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HEARD = (Evidence(seg=3, start=2, end=6),)


def empty() -> Draft:
    return Draft(id="d", call_id="1.1", author_id=1, caller_number="13800000000", version=1, updated_at=NOW)


def heard(value: str, confidence: float = 0.9, field: str = "address") -> Suggestion:
    return Suggestion(field=field, value=value, confidence=confidence, evidence=HEARD)


def address(draft: Draft) -> Field:
    return draft.fields["address"]


def shown(draft: Draft, name: str = "address") -> tuple[str | bool, OfferStatus] | None:
    suggestion = draft.fields[name].suggestion
    return None if suggestion is None else (suggestion[0].value, suggestion[1])


# suggestions ----------------------------------------------------------------------------------------------------------
def test_a_sure_suggestion_fills_an_empty_field_and_keeps_its_words() -> None:
    draft = drafts.merge(empty(), [heard("驿后小区4号楼")])
    assert (address(draft).value, address(draft).origin) == ("驿后小区4号楼", Origin.SUGGESTED)
    assert shown(draft) == ("驿后小区4号楼", OfferStatus.FILLED)
    assert address(draft).source == drafts.Offer(value="驿后小区4号楼", confidence=0.9, evidence=HEARD)
    assert draft.version == 2


def test_an_unsure_suggestion_is_only_offered() -> None:
    draft = drafts.merge(empty(), [heard("驿后小区", FILLS - 0.01)])
    assert (address(draft).value, address(draft).origin) == (None, Origin.EMPTY)
    assert shown(draft) == ("驿后小区", OfferStatus.OFFERED)


def test_a_surer_hearing_replaces_a_suggested_value_and_a_less_sure_one_waits_beside_it() -> None:
    draft = drafts.merge(drafts.merge(empty(), [heard("二栋")]), [heard("三栋")])
    assert address(draft).value == "三栋"
    draft = drafts.merge(draft, [heard("四栋", 0.5)])
    assert address(draft).value == "三栋"
    assert shown(draft) == ("四栋", OfferStatus.OFFERED)
    draft = drafts.dismiss(draft, "address")
    assert address(draft).value == "三栋"
    assert shown(draft) == ("三栋", OfferStatus.FILLED)


def test_the_values_between_which_to_decide_come_with_the_suggestion() -> None:
    options = (
        Option(value="0101", confidence=0.6),
        Option(value="0102", confidence=0.3),
        Option(value="what is no code", confidence=0.1),
    )
    draft = drafts.merge(empty(), [replace(heard("0101", field="category_code"), options=options)])
    suggested = draft.fields["category_code"].suggestion
    assert suggested is not None
    assert suggested[0].options == options[:2]
    assert stored.from_json(stored.to_json(draft.fields)) == draft.fields


def test_a_draft_that_was_stored_before_there_were_options_is_read() -> None:
    kept = stored.to_json(drafts.merge(empty(), [heard("二栋")]).fields)
    del kept["address"]["source"]["options"]
    assert stored.from_json(kept)["address"].value == "二栋"


def test_hearing_the_same_again_is_no_change() -> None:
    draft = drafts.merge(empty(), [heard("二栋")])
    assert drafts.merge(draft, [heard("二栋")]) is draft


@pytest.mark.parametrize(
    "suggestion",
    [
        heard("愤怒", field="appeal_type"),
        heard("shout", field="mood"),
        heard("打一一〇", field="contact_phone"),
        heard(" "),
        heard("一" * 201),
    ],
)
def test_what_no_field_can_take_is_passed_over(suggestion: Suggestion) -> None:
    draft = empty()
    assert drafts.merge(draft, [suggestion]) is draft


# people ---------------------------------------------------------------------------------------------------------------
def test_a_typed_value_stays_and_the_machine_may_only_offer() -> None:
    draft = drafts.type_value(empty(), "address", " 三栋 ")
    draft = drafts.merge(draft, [heard("二栋", 1.0)])
    assert (address(draft).value, address(draft).origin) == ("三栋", Origin.TYPED)
    assert shown(draft) == ("二栋", OfferStatus.OFFERED)


def test_a_field_that_a_person_emptied_stays_empty() -> None:
    draft = drafts.type_value(drafts.merge(empty(), [heard("二栋")]), "address", "")
    draft = drafts.merge(draft, [heard("三栋", 1.0)])
    assert (address(draft).value, address(draft).origin) == (None, Origin.TYPED)


def test_what_was_typed_over_is_not_offered_again() -> None:
    draft = drafts.type_value(drafts.merge(empty(), [heard("二栋")]), "address", "三栋")
    assert drafts.merge(draft, [heard("二栋", 1.0)]) is draft
    assert shown(draft) is None


def test_accepting_makes_a_value_the_persons_own() -> None:
    draft = drafts.accept(drafts.merge(empty(), [heard("二栋", 0.4)]), "address")
    assert (address(draft).value, address(draft).origin) == ("二栋", Origin.ACCEPTED)
    assert shown(draft) == ("二栋", OfferStatus.ACCEPTED)
    assert drafts.accept(draft, "address") is draft
    draft = drafts.merge(draft, [heard("三栋", 1.0)])
    assert address(draft).value == "二栋"
    assert shown(draft) == ("三栋", OfferStatus.OFFERED)


def test_a_dismissed_value_leaves_and_does_not_come_back() -> None:
    draft = drafts.dismiss(drafts.merge(empty(), [heard("二栋")]), "address")
    assert (address(draft).value, address(draft).origin) == (None, Origin.EMPTY)
    assert shown(draft) == ("二栋", OfferStatus.DISMISSED)
    assert drafts.merge(draft, [heard("二栋", 1.0)]) is draft
    assert address(drafts.merge(draft, [heard("三栋")])).value == "三栋"


@pytest.mark.parametrize("decide", [drafts.accept, drafts.dismiss])
@pytest.mark.parametrize("confidence", [0.3, 0.9])
def test_a_decision_can_be_taken_back_once(decide: Any, confidence: float) -> None:
    before = drafts.merge(empty(), [heard("二栋", confidence)])
    after = drafts.undo(decide(before, "address"), "address")
    assert shown(after) == shown(before)
    assert (address(after).value, address(after).origin) == (address(before).value, address(before).origin)
    with pytest.raises(NotNow):
        drafts.undo(after, "address")


def test_an_acceptance_over_a_typed_value_can_be_taken_back() -> None:
    draft = drafts.merge(drafts.type_value(empty(), "address", "三栋"), [heard("二栋")])
    draft = drafts.undo(drafts.accept(draft, "address"), "address")
    assert (address(draft).value, address(draft).origin) == ("三栋", Origin.TYPED)


def test_what_is_not_understood_any_more_is_taken_back_unless_a_person_decided_on_it() -> None:
    names = ("caller_name", "contact_phone", "title")
    said = [
        heard("王建国", field="caller_name"),
        heard("13800000000", field="contact_phone"),
        heard("异味", field="title"),
    ]
    draft = drafts.merge(empty(), [*said, heard("三栋", 0.3)])
    draft = drafts.type_value(drafts.accept(draft, "contact_phone"), "title", "垃圾池异味")
    draft = drafts.merge(draft, [])
    assert [draft.fields[name].value for name in names] == [None, "13800000000", "垃圾池异味"]
    assert draft.fields["address"].suggestion is None


def test_accepting_all_takes_what_was_filled_in_and_leaves_what_was_offered() -> None:
    others = [heard("王建国", field="caller_name"), heard("异味", 0.3, "title")]
    draft = drafts.merge(empty(), [heard("二栋"), *others])
    draft = drafts.merge(draft, [heard("三栋", 0.3), *others])
    everything = drafts.accept_all(draft)
    assert {name for name, one in everything.fields.items() if one.origin is Origin.ACCEPTED} == {
        "address",
        "caller_name",
    }
    assert shown(everything) == ("三栋", OfferStatus.OFFERED)
    assert shown(everything, "title") == ("异味", OfferStatus.OFFERED)
    assert everything.version == draft.version + 1
    assert drafts.accept_all(everything) is everything


@pytest.mark.parametrize("act", [drafts.accept, drafts.dismiss, drafts.undo])
def test_there_is_nothing_to_decide_on_an_untouched_field(act: Any) -> None:
    with pytest.raises(NotNow):
        act(empty(), "title")
    with pytest.raises(InvalidField):
        act(empty(), "mood")


def test_a_submitted_draft_does_not_change() -> None:
    draft = drafts.submitted(empty())
    assert drafts.merge(draft, [heard("二栋")]) is draft
    with pytest.raises(NotNow):
        drafts.type_value(draft, "address", "三栋")
    with pytest.raises(NotNow):
        drafts.submitted(draft)


def test_only_what_another_person_changed_clashes() -> None:
    seen = drafts.merge(empty(), [heard("二栋")])
    now = drafts.merge(drafts.type_value(seen, "title", "异味"), [heard("三栋")])
    assert drafts.clashes(now, ["address", "title"], seen.version) == ("title",)
    assert drafts.clashes(now, ["address", "title"], now.version) == ()


def test_several_fields_typed_at_once_are_one_version() -> None:
    draft = drafts.type_values(empty(), {"title": "异味", "address": "三栋", "anonymous": True})
    assert draft.version == 2
    assert {one.changed_in for name, one in draft.fields.items() if name in ("title", "address", "anonymous")} == {2}


# whatever the machine says --------------------------------------------------------------------------------------------
TEXTS = st.sampled_from(["一栋", "二栋", "三栋", "四栋"])
NAMES = st.sampled_from(["address", "title", "description"])
SUGGESTIONS = st.builds(Suggestion, field=NAMES, value=TEXTS, confidence=st.floats(0, 1), evidence=st.just(HEARD))


@given(typed=st.dictionaries(NAMES, TEXTS | st.none()), rounds=st.lists(st.lists(SUGGESTIONS)))
def test_nothing_typed_ever_changes_by_any_sequence_of_merges(
    typed: dict[str, Value], rounds: list[list[Suggestion]]
) -> None:
    draft = drafts.type_values(empty(), typed)
    for suggestions in rounds:
        draft = drafts.merge(draft, suggestions)
    for name, value in typed.items():
        assert (draft.fields[name].value, draft.fields[name].origin) == (value, Origin.TYPED)


ABOUT_THE_ADDRESS = st.builds(Suggestion, field=st.just("address"), value=TEXTS, confidence=st.floats(0, 1))


class PeopleAndTheMachine(RuleBasedStateMachine):
    """People and the machine work on one field in any order; after each step of the machine the people's word holds."""

    def __init__(self) -> None:
        super().__init__()
        self.draft = empty()
        self.theirs: Value = None
        self.decided = False
        self.dismissed: set[object] = set()

    def _theirs(self) -> None:
        self.theirs, self.decided = address(self.draft).value, True

    @rule(suggestions=st.lists(ABOUT_THE_ADDRESS))
    def the_machine_hears(self, suggestions: list[Suggestion]) -> None:
        old = self.draft
        self.draft = drafts.merge(self.draft, suggestions)
        assert (self.draft is old) == (self.draft.fields == old.fields)
        offered = address(self.draft).offered
        if offered is not None and offered != address(old).offered:
            assert offered.value not in self.dismissed

    @rule(value=TEXTS | st.none())
    def a_person_types(self, value: str | None) -> None:
        self.draft = drafts.type_value(self.draft, "address", value)
        self._theirs()

    @precondition(lambda self: address(self.draft).suggestion is not None)
    @rule()
    def a_person_accepts(self) -> None:
        try:
            self.draft = drafts.accept(self.draft, "address")
        except NotNow:
            return
        self._theirs()

    @rule()
    def a_person_dismisses(self) -> None:
        one = address(self.draft)
        try:
            self.draft = drafts.dismiss(self.draft, "address")
        except NotNow:
            return
        refused = address(self.draft).refused
        assert refused is not None
        self.dismissed.add(refused.value)
        if one.origin in (Origin.TYPED, Origin.ACCEPTED):
            assert address(self.draft).value == one.value

    @rule()
    def a_person_takes_it_back(self) -> None:
        try:
            self.draft = drafts.undo(self.draft, "address")
        except NotNow:
            return
        self.dismissed = set(address(self.draft).dismissed)
        self.decided = address(self.draft).origin in (Origin.TYPED, Origin.ACCEPTED)
        self.theirs = address(self.draft).value

    @invariant()
    def what_people_decided_holds(self) -> None:
        if self.decided:
            assert address(self.draft).origin in (Origin.TYPED, Origin.ACCEPTED)
            assert address(self.draft).value == self.theirs

    @invariant()
    def it_survives_the_database(self) -> None:
        assert stored.from_json(stored.to_json(self.draft.fields)) == self.draft.fields


TestPeopleAndTheMachine = PeopleAndTheMachine.TestCase


# fields ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("title", "  异味 ", "异味"),
        ("title", "", None),
        ("title", None, None),
        ("description", "一\n二", "一\n二"),
        ("contact_phone", "+86 138 0000 0000", "+8613800000000"),
        ("contact_phone", "0357-1234567", "0357-1234567"),
        ("appeal_type", "投诉", "投诉"),
        ("category_code", "0101", "0101"),
        ("confidential", True, True),
        ("confidential", "false", False),
        ("amount_yuan", "3500", "3500"),
        ("people_count", " 012 ", "12"),
        ("previous_ticket_no", "GD202611210001", "GD202611210001"),
    ],
)
def test_a_value_is_kept_trimmed(name: str, value: Value, kept: Value) -> None:
    assert fields.checked(name, value) == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "一\n二"),
        ("title", "a\x00b"),
        ("title", "a\ud800"),
        ("title", "一" * 81),
        ("title", True),
        ("description", "一" * 4001),
        ("contact_phone", "138x"),
        ("contact_phone", "1" * 21),
        ("appeal_type", "愤怒"),
        ("urgency", "urgent"),
        ("category_code", "01-01"),
        ("anonymous", "yes"),
        ("amount_yuan", "3500.5"),
        ("amount_yuan", "1" * 10),
        ("people_count", "三个"),
        ("repeat_count", "-1"),
        ("contact_note", "一\n二"),
    ],
)
def test_a_value_that_breaks_the_rule_is_refused_without_being_repeated(name: str, value: Value) -> None:
    with pytest.raises(InvalidField) as refused:
        fields.checked(name, value)
    assert refused.value.field == name
    assert str(value) not in str(refused.value)


def test_what_is_required_depends_on_what_is_decided() -> None:
    def missing(disposition: Disposition, **values: Value) -> tuple[str, ...]:
        return fields.missing(values, disposition)

    assert missing(Disposition.DISPATCH) == (
        "title",
        "appeal_type",
        "category_code",
        "address",
        "description",
        "contact_phone",
    )
    assert missing(Disposition.DIRECT_ANSWER) == ("title", "appeal_type", "description")
    assert missing(Disposition.INVALID) == ()
    assert "address" not in missing(Disposition.DISPATCH, appeal_type="咨询")
    assert "contact_phone" not in missing(Disposition.DISPATCH, anonymous=True)
    assert "contact_phone" in missing(Disposition.DISPATCH, anonymous=False)


def test_every_disposition_leads_from_a_draft_to_a_state_of_its_own() -> None:
    reached = {lifecycle.after(State.DRAFT, disposition) for disposition in Disposition}
    assert reached == set(State) - {State.DRAFT}
    assert set(lifecycle.TRANSITIONS) == set(State)
    for state in reached:
        for disposition in Disposition:
            with pytest.raises(NotNow):
                lifecycle.after(state, disposition)


def test_personal_fields_are_the_ones_that_are_sealed() -> None:
    from api.store.sealing import SealedText
    from api.store.tables import TicketRecord

    columns = TicketRecord.__table__.columns
    sealed = {column.name for column in columns if isinstance(column.type, SealedText)}
    assert sealed == {rule.name for rule in RULES.values() if rule.personal}
    assert set(RULES) <= {column.name for column in columns}
