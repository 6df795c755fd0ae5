"""The one place where the parts are put together, started in their order, and stopped in the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from api.auth import sessions
from api.auth.audit import ChainReport
from api.auth.chain_watch import ChainWatch
from api.auth.passwords import Passwords
from api.auth.sessions import SessionEnded
from api.auth.shared import Shared
from api.bus import Bus
from api.callbacks.events import CallbackChanged
from api.callbacks.recorder import CallbackRecorder
from api.calls.recorder import CallRecorder
from api.cues.cards import Card
from api.cues.ear import Ear
from api.cues.events import CueDecided
from api.gap import DRAIN_S, Gap
from api.handoffs.events import HandoffChanged, ReceiptGiven
from api.handoffs.push import Pusher, check_addresses
from api.handoffs.recorder import HandoffRecorder
from api.learning import Learning
from api.live.alerts import AlertKind
from api.live.hub import Hub
from api.live.lookups import Callers, handled_today, taken_today
from api.live.messages import DatabaseState, SpeechState
from api.live.routes import Live
from api.live.sessions import ConsoleSessions
from api.live.worklists import Worklists
from api.priorities.usher import Usher
from api.recordings.events import DiskWatched, RecordingFlawed
from api.recordings.folder import RecordingFolder
from api.recordings.keeping import RecordingKeeper
from api.settings import Settings
from api.shifts.log import ShiftLog
from api.shifts.presence import Presence
from api.shifts.service import Phones, SeatLeft, lock
from api.speech import Speech, engine_config
from api.store.engine import Store
from api.store.migrate import migrate
from api.store.sealing import Keyring
from api.store.writers import Writer, Writers
from api.streams import Streams
from api.surges.service import Surges
from api.tasks import Tasks
from api.texts import CallTexts, show_settled
from api.tickets.events import DraftChanged
from api.tickets.views import draft_view
from api.times import utc_now
from api.transcripts.recorder import TranscriptRecorder
from api.transcripts.rereading import Rereading
from api.transfers.targets import labels_of
from api.understanding.reader import Understanding
from api.understanding.wrapup import AfterCall
from asr.engines.choose import EngineConfig
from asr.transcript import Speaker, Turn
from telephony.ami.gateway import Gateway
from telephony.ari.seats import SeatPasswords
from telephony.calls import CallPhase
from telephony.dialplan import topology
from telephony.dialplan.reach import reach_of
from telephony.dialplan.render import Secrets
from telephony.events import CallEnded, DriftRepaired, Event, LinkChanged, LinkState
from telephony.ids import CallId, QueueName, SeatId
from telephony.media.recordings import RecordedLeg, Recordings
from telephony.media.tap import TapServer
from telephony.runner import Runner
from telephony.switchboard import Switchboard

log = structlog.get_logger(__name__)

AMI_USER = ARI_USER = "hotline"
HUB_TICK_S = 0.1
DATABASE_EVERY_S = 2.0
DATABASE_ANSWER_S = 3.0
TIDY_EVERY_S = 3600.0


class Parts:
    """Everything one server consists of. Building it opens no connection and starts no task."""

    def __init__(
        self, settings: Settings, *, build: str = "", engine: EngineConfig | None = None, migrates: bool = False
    ) -> None:
        """``engine`` instead of the settings' own (tests). ``migrates``: the database is to be brought up to date as
        soon as it is there."""
        self.settings = settings
        _make_places(settings)
        secrets = Secrets.kept_in(settings.switch_secrets)
        self.bus = Bus()
        self.store = Store(settings.database, Keyring.load(settings.keys_dir), spool_dir=settings.spool_dir)
        self.passwords = Passwords(threads=settings.password_threads)
        self.gateway = Gateway(host=settings.switch_host, port=settings.ami_port, username=AMI_USER, secret=secrets.ami)
        self.topology = topology.load(settings.home)
        check_addresses(settings.centre_push, self.topology)
        self.switchboard = Switchboard(
            wrap_up_s=settings.wrap_up_s,
            more_time_s=settings.more_time_s,
            strangers_stay=True,
            reach=reach_of(self.topology),
        )
        self.runner = Runner(gateway=self.gateway, switchboard=self.switchboard, publish=self.bus.publish)
        self.seat_keys = SeatPasswords(base_url=settings.ari_url, username=ARI_USER, password=secrets.ari)
        self.call_recorder = CallRecorder(self.store)
        self.handoff_recorder = HandoffRecorder(self.store, settings, self.bus.publish)
        self.callback_recorder = CallbackRecorder(
            self.store, settings, lambda: self.switchboard.calls, self.bus.publish, utc_now
        )
        self.transcript_recorder = TranscriptRecorder(self.store, utc_now)
        self.recording_files = Recordings(settings.recordings_dir)
        self.recordings = RecordingFolder(self.recording_files)
        self.keeper = RecordingKeeper(
            self.store,
            self.recording_files,
            now=utc_now,
            publish=self.bus.publish,
            keep_days=settings.recording_keep_days,
            least_free=settings.recording_least_free,
        )
        self.learning = Learning(store=self.store, folder=settings.home / "learnt", zone=settings.zone, now=utc_now)
        self.understanding = Understanding(
            settings.home, lambda: self.learning.learnt, ticket_prefix=settings.ticket_prefix
        )
        self.shared = Shared(
            settings=settings,
            store=self.store,
            passwords=self.passwords,
            switch=self.runner,
            recordings=self.recordings,
            publish=self.bus.publish,
            label=self.understanding.label,
            topology=self.topology,
        )
        self.phones = Phones(keys=self.seat_keys, ws_url=settings.sip_ws, domain=settings.switch_host)
        self.hub = Hub(
            board=self.switchboard,
            clock=time.monotonic,
            wall=utc_now,
            ring_s=settings.ring_s,
            zone=settings.zone,
            queues=tuple(QueueName(name) for name in dict.fromkeys((settings.queue, *_queues(self.topology)))),
            labels=labels_of(self.topology),
            supervision_shown=settings.supervision_shown,
        )
        self.chain_watch = ChainWatch(self.store, utc_now, self.bus.publish)
        self.console_sessions = ConsoleSessions(self.shared.standby, self.hub, self.runner, utc_now)
        self.worklists = Worklists(self.store, self.hub, utc_now)
        self.pusher = Pusher(self.store, settings, self.bus.publish, utc_now)
        self.shift_log = ShiftLog(self.store, dismissed=self._dismissed)
        self.presence = Presence(
            agents=lambda: self.switchboard.agents, request=self.runner.request, clock=time.monotonic
        )
        self.hub.on_presence(self.presence.handle)
        self.usher = Usher(self.store, self.topology, self.switchboard, self.runner.request, utc_now, settings.zone)
        self.surges = Surges(
            self.shared, self.switchboard, show=self.hub.show_surge, place=settings.home / "surge.json"
        )
        self.live = Live(hub=self.hub, build=build, allowed_origins=settings.allowed_origins)
        self.callers = Callers(self.store, self.hub, lambda: self.switchboard.calls, utc_now)
        self.speech = Speech(
            replace(engine or engine_config(settings), urgent=lambda stream: self.streams.is_urgent(stream)),
            told=self._speech_changed,
        )
        self.taps = TapServer()
        self.tap_problem = ""
        self.ear = Ear(
            store=self.store,
            listen=self.understanding.listen,
            show=self.hub.show_cues,
            now=utc_now,
            runs=self._runs,
            late=self._danger_afterwards,
        )
        self.rereading = Rereading(
            self.store,
            files=self._leg_file,
            recognizer=lambda: self.speech.recognizer,
            now=utc_now,
            told=lambda call_id, turn: self.hub.show_turn(CallId(call_id), turn),
            read_again=self._read_again,
            settled=lambda settled: show_settled(self.hub, settled),
        )
        self.texts = CallTexts(self.shared, self.hub, self.transcript_recorder, self.rereading)
        self.after_call = AfterCall(
            settings=settings,
            store=self.store,
            texts=self.texts,
            suggest=self.understanding.suggest,
            lexicon=self.understanding.lexicon,
        )
        self.streams = Streams(
            switch=self.runner,
            taps=self.taps,
            tap_address=f"{settings.tap_host}:{settings.tap_port}",
            recognizer=lambda: self.speech.recognizer,
            hub=self.hub,
            records=self.texts,
            suggest=self.understanding.suggest,
            listen=self.ear.heard,
        )
        self.gap = Gap(
            common=self.shared,
            runner=self.runner,
            switchboard=self.switchboard,
            recording_files=self.recording_files,
            calls=self.call_recorder,
            handoffs=self.handoff_recorder,
        )
        self.records = Writers(
            Writer(name="call records", behind=self.call_recorder.behind, run=self.call_recorder.run),
            Writer(name="handoff records", behind=self.handoff_recorder.behind, run=self.handoff_recorder.run),
            Writer(name="callback records", behind=self.callback_recorder.behind, run=self.callback_recorder.run),
            Writer(name="command records", behind=self.shared.standby.records, run=self.shared.standby.records.run),
            Writer(name="shift log", behind=self.shift_log.behind, run=self.shift_log.run),
            Writer(name="transcript records", behind=self.transcript_recorder.behind, run=self.transcript_recorder.run),
            Writer(name="recordings read again", behind=self.rereading.behind, run=self.rereading.run),
            Writer(name="urgency ear", behind=self.ear.behind, run=self.ear.run),
        )
        self.database = DatabaseState(state="degraded", reason="not asked yet")
        self._migrates = migrates
        self._not_migrated = ""
        self._tasks = Tasks("server")
        self._subscribe()

    # -- who hears what ----------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        """In this order for each event: behind to the records, then to the screens, then what follows from it."""
        self.bus.subscribe(Event, self.call_recorder.put)
        self.bus.subscribe(Event, self.handoff_recorder.put)
        self.bus.subscribe(Event, self.callback_recorder.put)
        self.bus.subscribe(Event, self.shift_log.put)
        self.bus.subscribe(Event, self.hub.handle)
        self.bus.subscribe(Event, self.callers.handle)
        self.bus.subscribe(Event, self.streams.handle)
        self.bus.subscribe(Event, self.usher.handle)
        self.bus.subscribe(Event, self.surges.handle)
        self.bus.subscribe(LinkChanged, self._on_link)
        self.bus.subscribe(CallEnded, self.ear.on_ended)
        self.bus.subscribe(CallEnded, self.after_call.on_ended)
        self.bus.subscribe(CueDecided, self.ear.on_decided)
        self.bus.subscribe(ReceiptGiven, self.handoff_recorder.put)
        self.bus.subscribe(HandoffChanged, self.worklists.on_handoff)
        self.bus.subscribe(CallbackChanged, self.worklists.changed)
        self.bus.subscribe(DraftChanged, self._on_draft)
        self.bus.subscribe(SessionEnded, lambda event: self.shared.standby.sessions.forget(event.session_hash))
        self.bus.subscribe(SessionEnded, lambda event: self.hub.session_ended(event.session_hash))
        self.bus.subscribe(DriftRepaired, lambda event: log.warning("drift repaired", kind=event.kind))
        self.bus.subscribe(SeatLeft, lambda event: self._dismissed(event.seat))
        self.bus.subscribe(RecordingFlawed, self._on_flawed)
        self.bus.subscribe(DiskWatched, self._on_disk)
        self.bus.subscribe(ChainReport, self._on_audit_read)

    def _on_draft(self, event: DraftChanged) -> None:
        call_id = CallId(event.call_id)
        self.hub.show_draft(call_id, draft_view(event.draft, self.shared.label).model_dump(mode="json"))
        if event.draft.version == 1:
            self.streams.suggest_again(call_id)

    def _on_flawed(self, event: RecordingFlawed) -> None:
        self.hub.raise_alert(AlertKind.RECORDING_INCOMPLETE, event.call_id, call_id=event.call_id)

    def _on_disk(self, event: DiskWatched) -> None:
        self.hub.stand_alert(event.low, AlertKind.DISK_LOW, free=round(event.free, 3))

    def _on_audit_read(self, report: ChainReport) -> None:
        self.hub.stand_alert(not report.intact, AlertKind.AUDIT_BROKEN, record=report.broken_at)

    def _on_link(self, event: LinkChanged) -> None:
        if event.state is LinkState.LIVE:
            self.hub.look_everywhere()
            for call_id in tuple(self.switchboard.calls):
                self.callers.look(call_id)
            self._tasks.start(self.gap.seat_everybody(), "seats after a gap")
            self._tasks.start(self.gap.close_unseen(), "calls that ended unseen")

    def _dismissed(self, seat: SeatId) -> None:
        self._tasks.start(lock(self.shared, self.phones, seat), "lock a seat")

    def _speech_changed(self, state: SpeechState) -> None:
        self.hub.show_recognizer(state)
        self.streams.look_everywhere()

    # -- starting and stopping ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Returns at once: whatever is not there yet is waited for in the background, and its state is shown."""
        start = self._tasks.start
        for one in self.records:
            start(one.run(), one.name)
        start(self.worklists.run(), "work lists")
        start(self.pusher.run(), "handoff push")
        start(self.presence.run(), "windows of operators")
        start(self.surges.run(), "surges")
        start(self._tick(), "live ticks")
        start(self._watch_database(), "database watch")
        start(self.console_sessions.run(), "session watch")
        start(self._tidy(), "tidying")
        start(self.gap.read_on(), "the switch's log")
        start(self.keeper.run(), "recordings")
        start(self.understanding.run(), "lexicon")
        start(self.learning.run(), "learning")
        start(self._remember_today(), "today's figures")
        await self._open_taps()
        start(self.speech.run(), "speech engine")
        start(self.gateway.run(), "switch link")
        start(self.runner.run(), "switchboard")

    async def stop(self) -> None:
        """Nothing new comes in, what is under way is written down, then everything is given back."""
        await self.streams.close()
        await self.callers.close()
        await self.usher.close()
        await self.records.drain(DRAIN_S)
        await self.after_call.close()
        await self.shared.standby.close()
        await self._tasks.close()
        self.keeper.close()
        await self.taps.stop()
        await self.speech.stop()
        await self.seat_keys.close()
        await asyncio.to_thread(self.passwords.close)
        self.understanding.close()
        await self.store.close()

    async def _leg_file(self, call_id: str, speaker: Speaker) -> Path | None:
        leg = RecordedLeg.CALLER if speaker is Speaker.CALLER else RecordedLeg.OPERATOR
        return await self.recordings.find(CallId(call_id), leg)

    async def _read_again(self, call_id: str, turns: Sequence[Turn], caller_number: str) -> None:
        self.ear.heard(CallId(call_id), turns)
        await self.texts.merge(CallId(call_id), await self.understanding.suggest(turns, caller_number))

    def _runs(self, call_id: CallId) -> bool:
        call = self.switchboard.calls.get(call_id)
        return call is not None and call.phase is not CallPhase.ENDED

    def _danger_afterwards(self, call_id: CallId, cards: Sequence[Card]) -> None:
        dangers = [card for card in cards if card.is_danger]
        if not dangers:
            return
        targets = dict.fromkeys(target for card in dangers for target in card.targets)
        call = self.switchboard.calls.get(call_id)
        self.hub.raise_alert(
            AlertKind.DANGER_AFTERWARDS,
            call_id,
            call_id=call_id,
            centre="、".join(targets),
            agent_id=call.answered_by if call is not None else None,
        )

    async def _open_taps(self) -> None:
        try:
            await self.taps.start(self.settings.tap_host, self.settings.tap_port)
        except (OSError, ValueError) as error:
            self.tap_problem = f"no place for live audio: {error}"
            log.error("taps not opened", error_type=type(error).__name__)

    # -- background --------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(HUB_TICK_S)
            try:
                self.hub.tick()
            except Exception:
                log.exception("a live tick failed")

    async def _watch_database(self) -> None:
        while True:
            self.database = await self._ask_database()
            self.hub.show_database(self.database)
            self.hub.stand_alert(self.database.state == "down" or self.records.wait, AlertKind.RECORDS_BEHIND)
            self.hub.stand_alert(self.records.refused > 0, AlertKind.RECORDS_REFUSED)
            await asyncio.sleep(DATABASE_EVERY_S)

    async def _ask_database(self) -> DatabaseState:
        try:
            await self._migrate()
            async with asyncio.timeout(DATABASE_ANSWER_S):
                await self.store.check()
        except Exception as error:
            return DatabaseState(state="down", reason=type(error).__name__)
        trouble = self.records.trouble
        return DatabaseState(state="degraded", reason=trouble) if trouble else DatabaseState(state="ok")

    async def _migrate(self) -> None:
        """Once it succeeds, never again. Raises what keeps it from being done; each kind of it is logged once."""
        if not self._migrates:
            return
        try:
            await migrate(self.settings.database)
        except Exception as error:
            if type(error).__name__ != self._not_migrated:
                self._not_migrated = type(error).__name__
                log.exception("the database could not be brought up to date: run `hotline migrate`")
            raise
        self._migrates = False
        log.info("the database is up to date")

    async def _tidy(self) -> None:
        while True:
            try:
                await sessions.tidy(self.store, self.settings, utc_now())
                await self.ear.tidy()
                await self.chain_watch.look()
            except Exception as error:
                log.warning("records not tidied", error_type=type(error).__name__)
            await asyncio.sleep(TIDY_EVERY_S)

    async def _remember_today(self) -> None:
        """From the records, once they say all that earlier runs have left; what happened meanwhile counts once."""
        while True:
            now = utc_now()
            try:
                if await self.call_recorder.behind.caught_up(DRAIN_S):
                    handled = await handled_today(self.store, self.settings.zone, now)
                    taken = await taken_today(self.store, self.settings.zone, now)
                    break
            except Exception as error:
                log.warning("today's figures not read", error_type=type(error).__name__)
            await asyncio.sleep(DATABASE_EVERY_S)
        self.hub.today.seed(handled, now)
        self.hub.kpi.seed(taken, now)


def _queues(known: topology.Topology) -> Sequence[str]:
    return [queue.name for queue in known.queues]


def _make_places(settings: Settings) -> None:
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for place in (settings.models_dir, settings.recordings_dir, settings.keys_dir, settings.log_dir):
        place.mkdir(exist_ok=True, mode=0o700)


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[Parts]:
    """Started inside, stopped whatever happens."""
    try:
        await parts.start()
        yield parts
    finally:
        await parts.stop()
