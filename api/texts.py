"""What of a call's live text goes to the database and comes back from it."""

from __future__ import annotations

from collections.abc import Sequence

from api.auth.shared import Shared
from api.live.hub import Hub
from api.live.messages import SpeechState
from api.streams import in_tenths
from api.tickets.events import DraftChanged
from api.tickets.service import apply_suggestions, draft_of_call
from api.tickets.views import draft_view
from api.transcripts.queries import turns_of
from api.transcripts.recorder import TranscriptRecorder
from api.transcripts.rereading import Rereading, Settled, State
from asr.coverage import Coverage
from asr.prefill import Suggestion
from asr.recognizer import SpeechLevel
from asr.transcript import Turn
from telephony.ids import CallId


class CallTexts:
    """``streams.Records`` on the database."""

    def __init__(self, shared: Shared, hub: Hub, recorder: TranscriptRecorder, rereading: Rereading) -> None:
        self._shared = shared
        self._hub = hub
        self._recorder = recorder
        self._rereading = rereading

    def keep(self, call_id: CallId, turn: Turn) -> None:
        self._recorder.put(call_id, turn)

    async def restore(self, call_id: CallId) -> Sequence[Turn]:
        """The draft is shown again as well."""
        async with self._shared.store.read() as session:
            turns = await turns_of(session, call_id)
            draft = await draft_of_call(session, call_id)
        if draft is not None:
            self._hub.show_draft(call_id, draft_view(draft, self._shared.label).model_dump(mode="json"))
        return turns

    async def merge(self, call_id: CallId, suggestions: Sequence[Suggestion]) -> None:
        async with self._shared.store.write() as session:
            draft = await apply_suggestions(session, call_id, suggestions, now=self._shared.now())
        if draft is not None:
            self._shared.publish(DraftChanged(call_id=call_id, draft=draft))

    def covered(self, call_id: CallId, coverage: Coverage) -> None:
        self._rereading.put(call_id, coverage)


def show_settled(hub: Hub, settled: Settled) -> None:
    """How whole the text of a call is now that its recording was looked at, where the call is still shown."""
    call_id = CallId(settled.call_id)
    recording = "" if settled.state is State.COMPLETE else settled.state.value
    before = hub.picture(call_id).speech or SpeechState(state=SpeechLevel.DOWN)
    after = {**before.model_dump(), "recording": recording, "complete": in_tenths(settled.complete)}
    hub.show_speech(call_id, SpeechState.model_validate(after))
