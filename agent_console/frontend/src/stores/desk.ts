/** What the desk shows, and the few things that must happen by themselves when a call comes, is answered, or ends. */
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { duration, now } from "../clock";
import { HangUpGuard } from "../hang_up";
import { api } from "../http/api";
import { masked } from "../masking";
import { notice } from "../notices";
import type { MicrophoneState } from "../phone/microphone";
import { underWay } from "../transfers/steps";
import { words } from "../words/zh-CN";
import { useAbout } from "./about";
import { useLive } from "./live";
import { usePhone } from "./phone";
import { useSession } from "./session";
import { useSupervision } from "./supervision";
import { useShift } from "./shift";
import { useTicket } from "./ticket";

export type DeskMode = "signed_out" | "idle" | "call" | "wrap";

/** The server's "over" and the phone's BYE race; only a phone that is still talking after this was forgotten. */
const BYE_GRACE_MS = 1500;
const FLASH_MS = 1000;
const BROKEN: ReadonlySet<MicrophoneState> = new Set<MicrophoneState>(["denied", "missing", "unplugged"]);
/** Between our phone's end of a call and the server's word that it is over. A page that was just loaded need not wait. */
const ORPHAN_GRACE_MS = 1200;
const DISMISSED_GRACE_MS = 1500;

export const useDesk = defineStore("desk", () => {
  let reported: boolean | null = null;
  let orphanedSince: ReturnType<typeof setTimeout> | undefined;
  let seated = false;
  let dismissed: ReturnType<typeof setTimeout> | undefined;
  const live = useLive();
  const phone = usePhone();
  const ticket = useTicket();
  const shift = useShift();
  const session = useSession();
  const about = useAbout();
  const recovering = ref(false);
  const guard = new HangUpGuard();
  /** Until when a second press on "hang up" counts. */
  const hangUpArmedUntil = ref<number | null>(null);
  /** In somebody else's call as a supervisor: the switch says "talking", and it is none of the desk's. */
  const supervising = computed(() => {
    const me = live.agent?.id ?? null;
    if (me === null || (phone.call !== null && phone.call.purpose !== "supervision")) return false;
    const call = live.call;
    if (phone.call !== null) return call?.call.answered_by !== me; // taken over, it is one's own
    if (call === null || live.agent?.call_id !== call.call.id) return false;
    if (call.supervision?.agent_id === me) return true;
    // The phone's end and the server's word of it race: a call whose party one is not was only listened to.
    const party = call.parties?.some((each) => each.agent_id === me && each.role !== "supervisor") === true;
    return call.call.answered_by !== null && call.call.answered_by !== me && !party;
  });
  const signedIn = computed(() => live.agent !== null && live.agent.status !== "signed_out");
  const own = computed(() => (supervising.value ? null : phone.call));
  /** Talked on by this operator, and this page's phone is not in it: after a reload, or a dead leg. */
  /** The calls ring at a telephone on the desk: this page has no phone of its own. */
  const byDeskPhone = computed(() => live.agent?.seat_kind === "desk_phone");
  const orphaned = computed(
    () => live.isLive && live.agent?.status === "talking" && own.value === null && !supervising.value && !byDeskPhone.value,
  );
  /** The last seat was a desk phone. */
  const sat = ref(false);
  const recoveredCall = ref<string | null>(null);
  /** The call this page's phone last talked on, to tell "hung up" from "never connected" while the stream is down. */
  const lastTalked = ref<string | null>(null);

  const callId = computed(() => own.value?.callId ?? live.me?.call ?? null);
  const phoneTalks = computed(() => own.value !== null && own.value.state !== "ringing");
  /** One's own phone rings for something that was asked for, and answers by itself. */
  const expected = computed(
    () =>
      supervising.value ||
      useSupervision().wanted !== null ||
      phone.call?.purpose === "outbound" ||
      live.call?.call.direction === "outbound",
  );
  const ringing = computed(
    () =>
      own.value?.state === "ringing" ||
      (own.value?.state === "answering" && live.agent?.status !== "talking" && !expected.value) ||
      (live.agent?.status === "ringing" && !phoneTalks.value && !expected.value),
  );
  /** One's own desk phone rings for a call that was asked for: nobody but the person lifts it. */
  const pickUp = computed(() => byDeskPhone.value && live.agent?.status === "ringing" && expected.value && !supervising.value);
  const mode = computed<DeskMode>(() => {
    if (phoneTalks.value && own.value?.state !== "answering") return "call";
    const status = live.agent?.status ?? "signed_out";
    if (supervising.value || (status === "talking" && own.value === null && live.me?.call === null)) return "idle";
    if (status === "talking") return !live.isLive && lastTalked.value === live.me?.call ? "wrap" : "call";
    if (status === "wrapping_up") return "wrap";
    return status === "signed_out" ? "signed_out" : "idle";
  });
  const inCall = computed(() => mode.value === "call");
  const number = computed(
    () => live.call?.call.caller.number || (own.value === null ? "" : masked(own.value.number)) || words.ring.unknownNumber,
  );
  const over = computed(() => {
    const call = live.call?.call;
    if (call === undefined) return false;
    return call.phase === "ended" || (call.agent_left_at !== null && live.agent?.status !== "talking");
  });
  const ringLeftMs = computed(() => {
    const call = live.call?.call;
    const since = call?.offered_at ?? phone.call?.since ?? now.value;
    return Math.max(0, since + ringMs.value - now.value);
  });
  const ringMs = computed(() => (live.call?.call.ring_s ?? 15) * 1000);

  function answer(): void {
    if (phone.call?.state !== "ringing") return;
    if (!phone.answer()) notice.fail(words.ring.noMicrophone);
  }

  /** With somebody else in the call only the second of two presses counts: the citizen would be left with them. */
  function pressHangUp(): void {
    if (!inCall.value) return;
    const press = guard.press(Date.now(), underWay(live.call?.transfer ?? null));
    hangUpArmedUntil.value = guard.armedUntil;
    if (press === "hang_up") void hangUp();
  }

  /** By the phone; by the server where the phone's signalling cannot carry it. */
  async function hangUp(): Promise<void> {
    if (phoneTalks.value && phone.line === "registered") {
      phone.hangUp();
      return;
    }
    const id = callId.value;
    if (id === null || !inCall.value) return;
    try {
      await api.hangUp(id);
    } catch (error) {
      notice.fail(words.call.hangUpFailed, error);
    }
  }

  /** The call goes on without this page's phone: have the switch ring it again; it answers by itself. */
  async function recover(): Promise<void> {
    const id = callId.value;
    if (id === null || recovering.value || phoneTalks.value) return;
    recovering.value = true;
    recoveredCall.value = id;
    try {
      await api.recover();
    } catch (error) {
      notice.fail(words.call.recoverFailed, error);
    } finally {
      recovering.value = false;
    }
  }

  function toggleHold(): void {
    if (phone.line !== "registered") return;
    if (phone.call?.state === "talking") phone.hold();
    else if (phone.call?.state === "held") phone.resume();
  }

  function toggleMute(): void {
    if (phone.call !== null && phone.call.state !== "ringing") phone.mute(!phone.call.muted);
  }

  // ---- what happens by itself ------------------------------------------------------------------------------------

  function start(): void {
    watch(callId, (id) => live.watchCall(id), { immediate: true });
    watch(
      () => ({ id: callId.value, talking: mode.value === "call" || mode.value === "wrap", wanted: wantsDraft(callId.value) }),
      ({ id, talking, wanted }, before) => {
        const news = id !== before?.id || !before.talking || !before.wanted;
        if (talking && id !== null && wanted && news && ticket.callId !== id) void ticket.openForCall(id);
      },
      { immediate: true },
    );
    watch(
      () => live.isLive && ticket.failed && (mode.value === "call" || mode.value === "wrap"),
      (worthAnotherTry) => {
        if (worthAnotherTry && callId.value !== null) void ticket.openForCall(callId.value);
      },
    );
    watch(
      () => live.call?.draft ?? null,
      (draft) => {
        if (draft !== null && (mode.value === "call" || mode.value === "wrap")) ticket.receive(draft);
      },
    );
    watch(mode, (is, was) => {
      if (is !== "idle" && is !== "signed_out") return;
      if (was === "wrap") ticket.close();
      else if (was === "call") void ticket.loadTurns(); // it stays open, beside what was said
    });
    watch(
      () => phone.call?.state,
      (state) => {
        if (state === "talking") lastTalked.value = phone.call?.callId ?? live.me?.call ?? null;
      },
    );
    watch([over, () => phone.call?.callId], ([isOver, id]) => {
      if (!isOver || id === undefined || id !== live.call?.call.id) return;
      setTimeout(() => {
        if (over.value && phone.call !== null && phone.call.callId === id) phone.endLocally();
      }, BYE_GRACE_MS);
    });
    watch(
      () => live.status === "superseded" && !phoneTalks.value,
      (elsewhere) => elsewhere && phone.signOff(),
    );
    // A workplace without a microphone gets no calls: the server is told at once, and again when it is back.
    watch(
      () => {
        if (live.agent === null || live.agent.status === "signed_out" || !live.isLive || byDeskPhone.value) return null;
        return phone.microphoneState === "open" ? true : BROKEN.has(phone.microphoneState) ? false : null;
      },
      (works) => {
        if (works === null || works === reported || (works && reported === null)) return;
        reported = works;
        void api.reportDevice(works).catch(() => (reported = null));
      },
      { immediate: true },
    );
    // A reload in mid-shift: the first snapshot finds us signed in, and this page has no phone yet.
    watch(
      () => live.agent !== null && live.agent.status !== "signed_out" && phone.line === "off" && live.isLive && !byDeskPhone.value,
      (homeless) => {
        if (homeless && !shift.busy) void shift.resume();
      },
      { immediate: true },
    );
    // Signed out by a supervisor: this page's phone goes too, and the person is told. A server that comes back may
    // say "signed out" for a moment.
    watch(
      () => (live.isLive && !phoneTalks.value && live.me?.links.switch.state === "live" ? signedIn.value : null),
      (is) => {
        clearTimeout(dismissed);
        if (is === true) {
          seated = true;
          sat.value = byDeskPhone.value;
        }
        else if (is === false && seated && !shift.busy) dismissed = setTimeout(dismiss, DISMISSED_GRACE_MS);
      },
      { immediate: true },
    );
    watch(
      () => phone.call?.state,
      (state) => {
        if (state === "talking" && recoveredCall.value !== null) {
          recoveredCall.value = null;
          notice.done(words.banner.recovered(number.value));
        }
      },
    );
    watch(
      () => orphaned.value && phone.line === "registered",
      (lost) => {
        if (lost) orphanedSince = setTimeout(() => void recover(), lastTalked.value === null ? 0 : ORPHAN_GRACE_MS);
        else clearTimeout(orphanedSince);
      },
    );
    watch(ringing, (is) => {
      if (is && document.hidden && "Notification" in window && Notification.permission === "granted") {
        new Notification(words.ring.notice(number.value), { tag: "ring", requireInteraction: true }).onclick = () => window.focus();
      }
    });
    watch(
      [ringing, inCall, mode, now],
      () => {
        const flash = ringing.value && Math.floor(now.value / FLASH_MS) % 2 === 0;
        document.title = words.title(flash ? words.ring.titleFlash : tabTitle());
      },
      { immediate: true },
    );
    window.addEventListener("beforeunload", (event) => {
      if (inCall.value || (session.session !== null && ticket.anyUnsent)) event.preventDefault();
    });
  }

  /** A call about a ticket makes no other one unless somebody asks for it; not everybody writes tickets. */
  const wantsDraft = (id: string | null): boolean => session.may("draft.write") && !about.isAbout(id);

  function dismiss(): void {
    const phoneless = phone.line === "off" && !sat.value;
    seated = false;
    sat.value = false;
    if (phoneless) return;
    phone.signOff();
    notice.warn(words.shift.dismissed);
  }

  function tabTitle(): string {
    if (ringing.value) return words.status.ringing;
    if (inCall.value) return `${words.status.talking} ${duration(now.value - (live.call?.call.answered_at ?? now.value))}`;
    return live.agent === null ? words.shift.desk : words.status[live.agent.status];
  }

  return {
    callId,
    mode,
    ringing,
    inCall,
    number,
    ringLeftMs,
    ringMs,
    orphaned,
    byDeskPhone,
    pickUp,
    supervising,
    recovering,
    recover,
    answer,
    hangUp: pressHangUp,
    hangUpArmedUntil,
    toggleHold,
    toggleMute,
    start,
  };
});
