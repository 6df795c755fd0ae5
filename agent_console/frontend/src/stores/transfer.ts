/** Bringing somebody else into the call: what was asked, what nobody knows yet, and who may be called. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";
import { now } from "../clock";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import { notice } from "../notices";
import { allowed, calling, mark, together, underWay } from "../transfers/steps";
import { type Reach, keyOf, reaching } from "../transfers/targets";
import type { Cue, TransferMode, TransferTarget, TransferTargets } from "../wire_calls";
import { words } from "../words/zh-CN";
import { useLive } from "./live";
import { useSession } from "./session";

export type Asked = "start" | "private" | "together" | "leave" | "cancel" | "send_back" | "keep_line" | "recording";

interface Pending {
  what: Asked;
  /** What the screen showed when it was asked: anything else settles it. */
  before: string;
  /** Since when the outcome is unknown; null while the answer is awaited. */
  unknownSince: number | null;
}

/** An order whose outcome nobody told, and of which nothing is seen for so long, did not happen. */
const NOTHING_CAME_MS = 20_000;

/** The server said no: nothing was sent to the switch. Without its word nobody knows. */
const wasRefused = (error: unknown): boolean =>
  error instanceof HttpError && error.body.error !== "internal" && !error.body.error.startsWith("http_");

export const useTransfer = defineStore("transfer", () => {
  const live = useLive();
  const session = useSession();
  const targets = shallowRef<TransferTargets | null>(null);
  const targetsFailed = ref(false);
  const layer = ref<"emergency" | "picker" | null>(null);
  /** The centre chosen in the emergency layer. */
  const chosen = ref<string | null>(null);
  /** Whom the picker is opened for. */
  const wanted = shallowRef<TransferTarget | null>(null);
  /** The cue that opened either layer. */
  const because = shallowRef<Cue | null>(null);
  const pending = shallowRef<Pending | null>(null);
  /** As it was asked for: the live stream masks a number. */
  const lastAsked = shallowRef<{ target: TransferTarget; mode: TransferMode } | null>(null);
  /** A transfer that is over and was read. */
  const dismissed = ref<string | null>(null);

  const current = computed(() => live.call?.transfer ?? null);
  const keepLine = computed(() => live.call?.call.keep_line === true);
  const active = computed(() => underWay(current.value));
  const may = computed(() =>
    current.value === null
      ? { cancel: false, private: false, together: false, leave: false, drop: false }
      : allowed(current.value, keepLine.value),
  );
  const shown = computed(() => current.value !== null && current.value.id !== dismissed.value);
  const unknown = computed(() => pending.value?.unknownSince !== null && pending.value !== null);
  /** Cues that nobody has dealt with, the one that came first in front. */
  const openCues = computed(() => (live.call?.cues ?? []).filter((each) => each.state === "open"));

  const seen = (): string => {
    const call = live.call?.call;
    return [mark(current.value), live.agent?.status, call?.phase, call?.keep_line, call?.recording_paused_until].join("/");
  };

  /** Nobody has answered the last order yet, and nothing is seen of it either. */
  const busy = computed(() => pending.value !== null && seen() === pending.value.before);

  async function ask(what: Asked, failure: string, act: () => Promise<{ outcome: string }>): Promise<boolean> {
    // An end may be asked for at any moment; nothing else while another order is under way.
    if (busy.value && what !== "cancel") return false;
    const mine: Pending = { what, before: seen(), unknownSince: null };
    pending.value = mine;
    try {
      const answer = await act();
      if (pending.value !== mine) return true;
      pending.value = answer.outcome === "done" ? null : { ...mine, unknownSince: Date.now() };
      return true;
    } catch (error) {
      if (wasRefused(error)) {
        if (pending.value === mine) pending.value = null;
        notice.fail(failure, error);
        return false;
      }
      if (pending.value === mine) pending.value = { ...mine, unknownSince: Date.now() };
      return true;
    }
  }

  watch(
    () => (pending.value?.unknownSince === null || pending.value === null ? null : seen() !== pending.value.before),
    (settled) => settled === true && (pending.value = null),
  );
  watch(now, () => {
    const since = pending.value?.unknownSince ?? null;
    if (since === null || Date.now() - since < NOTHING_CAME_MS || !live.isLive) return;
    pending.value = null;
    notice.warn(words.transfer.nothingCame);
  });
  watch(
    () => live.callId,
    (id) => {
      pending.value = null;
      layer.value = null;
      dismissed.value = null;
      lastAsked.value = null;
      if (id !== null && session.may("call.transfer")) void loadTargets(); // there before the key is pressed
    },
    { immediate: true },
  );

  async function loadTargets(): Promise<void> {
    try {
      targets.value = await api.transferTargets();
      targetsFailed.value = false;
    } catch {
      targetsFailed.value = true;
    }
  }

  /** Null while nobody knows who can be called. */
  const reach = (code: string): Reach | null =>
    targets.value === null ? null : reaching(targets.value, code, live.call?.call.queue ?? null);

  /** The centre on the operator's keys that this cue asks for. */
  const keyed = (cue: Cue): string | null => {
    for (const code of cue.targets) {
      const found = reach(code);
      if (found?.by === "emergency") return found.code;
    }
    return targets.value === null ? (cue.targets[0] ?? null) : null;
  };
  const serves = (cue: Cue, target: TransferTarget): boolean =>
    cue.targets.some((code) => {
      const found = reach(code);
      if (found?.by === "picker") return keyOf(found.target) === keyOf(target);
      return target.kind === "centre" && target.value === (found?.by === "emergency" ? found.code : code);
    });

  const mayOpen = (): boolean => live.callId !== null && !active.value && session.may("call.transfer");

  /** Ctrl+E, or a cue: what an open cue asks for stands chosen already. */
  function openEmergency(centre: string | null = null, cue: Cue | null = null): void {
    if (!mayOpen()) return;
    because.value = cue ?? openCues.value.find((each) => keyed(each) !== null) ?? null;
    chosen.value = centre ?? (because.value === null ? null : keyed(because.value));
    layer.value = "emergency";
    void loadTargets();
  }

  function openPicker(target: TransferTarget | null = null, cue: Cue | null = null): void {
    if (!mayOpen()) return;
    because.value = cue;
    wanted.value = target;
    layer.value = "picker";
    void loadTargets();
  }

  /** A cue's target: by whichever layer reaches it. Where nobody can be called, saying so to the caller is the act. */
  async function actOn(code: string, cue: Cue): Promise<void> {
    if (targets.value === null) await loadTargets();
    const found = reach(code);
    if (found === null || found.by === "emergency") openEmergency(found?.code ?? code, cue);
    else if (found.by === "picker") openPicker(found.target, cue);
    else await decideCue(cue, "act", words.cues.done[found.by](code));
  }

  const onCall = (act: (id: string) => Promise<boolean>): Promise<boolean> => (live.callId === null ? Promise.resolve(false) : act(live.callId));

  function start(target: TransferTarget, mode: TransferMode): Promise<boolean> {
    if (busy.value) {
      notice.warn(words.transfer.notYet); // what was chosen stays chosen
      return Promise.resolve(false);
    }
    layer.value = null;
    lastAsked.value = { target, mode };
    return onCall((id) => ask("start", words.transfer.startFailed, () => api.transfer(id, target, mode)));
  }

  /** Chosen in a layer: the card that asked for it is acted on. */
  async function startChosen(target: TransferTarget, mode: TransferMode): Promise<void> {
    const cue = [because.value, ...openCues.value].find((each) => each !== null && serves(each, target)) ?? null;
    const began = await start(target, mode);
    if (began && cue !== null) await decideCue(cue, "act", "");
  }

  async function again(): Promise<void> {
    if (lastAsked.value !== null) await start(lastAsked.value.target, lastAsked.value.mode);
  }

  const steer = (what: "private" | "together" | "leave" | "cancel"): Promise<boolean> =>
    onCall((id) => ask(what, words.transfer.steerFailed, () => api.steer(id, what)));

  const sendBack = (queue: string | null): Promise<boolean> =>
    onCall((id) => ask("send_back", words.transfer.sendBackFailed, () => api.sendBack(id, queue)));

  const setKeepLine = (on: boolean): Promise<boolean> =>
    onCall((id) => ask("keep_line", words.keepLine.failed, () => api.keepLine(id, on)));

  const pauseRecording = (seconds: number): Promise<boolean> =>
    onCall((id) => ask("recording", words.recording.failed, () => api.pauseRecording(id, seconds)));

  const resumeRecording = (): Promise<boolean> =>
    onCall((id) => ask("recording", words.recording.failed, () => api.resumeRecording(id)));

  async function decideCue(cue: Cue, action: "act" | "dismiss", reason: string): Promise<void> {
    try {
      await api.decideCue(cue.call_id, cue.id, action, reason);
    } catch (error) {
      notice.fail(words.cues.failed, error);
    }
  }

  return {
    targets,
    targetsFailed,
    layer,
    chosen,
    because,
    wanted,
    pending,
    dismissed,
    current,
    keepLine,
    active,
    calling: computed(() => calling(current.value)),
    together: computed(() => together(current.value)),
    may,
    shown,
    unknown,
    busy,
    openCues,
    loadTargets,
    openEmergency,
    openPicker,
    start,
    again,
    lastAsked,
    startChosen,
    reach,
    keyed,
    actOn,
    steer,
    sendBack,
    setKeepLine,
    pauseRecording,
    resumeRecording,
    decideCue,
  };
});
