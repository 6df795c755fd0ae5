/** A supervisor in somebody else's call: listen, whisper, barge, take over, and what may be told to that person's seat. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import { notice } from "../notices";
import type { SpyMode, WallAgent } from "../wire_calls";
import { words } from "../words/zh-CN";
import { useAsking } from "./asking";
import { useLive } from "./live";
import { usePhone } from "./phone";

/** One's own phone rings within this time of asking, or not at all. */
const NOT_COMING_MS = 15_000;

export const useSupervision = defineStore("supervision", () => {
  const live = useLive();
  const phone = usePhone();
  const asking = useAsking();
  const busy = ref(false);
  /** Who is looked at, by work number. */
  const selected = ref<string | null>(null);
  /** What was asked for and has not been seen yet. */
  const wanted = shallowRef<{ callId: string; mode: SpyMode } | null>(null);

  const agent = computed<WallAgent | null>(() => live.wall?.agents.find((each) => each.id === selected.value) ?? null);
  const target = computed(() => (agent.value?.status === "talking" ? agent.value.call_id : null));
  /** One's own supervision, as the server says it. */
  const current = computed(() => {
    const call = live.wall?.calls.find((each) => each.supervision !== null && each.supervision.agent_id === live.agent?.id);
    return call === undefined || call.supervision === null ? null : { callId: call.id, mode: call.supervision.mode };
  });
  const active = computed(() => current.value !== null || phone.call?.purpose === "supervision");

  async function guarded(act: () => Promise<{ outcome: string } | undefined | void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      const answer = await act();
      if (answer !== undefined && answer !== null && answer.outcome === "unknown") notice.warn(words.supervisor.unknown);
      return true;
    } catch (error) {
      if (error instanceof HttpError) notice.fail(words.supervisor.failed, error);
      else notice.warn(words.supervisor.unknown);
      return false;
    } finally {
      busy.value = false;
    }
  }

  async function join(callId: string, mode: SpyMode): Promise<void> {
    if (mode === "barge") {
      const who = agent.value?.display_name ?? "";
      const sure = await asking.ask({ title: words.supervisor.bargeTitle(who), body: words.supervisor.bargeBody, confirm: words.supervision.mode.barge });
      if (sure === null) return;
    }
    const mine = { callId, mode };
    wanted.value = mine;
    if (!(await guarded(() => api.supervise(callId, mode)))) wanted.value = null;
    setTimeout(() => wanted.value === mine && (wanted.value = null), NOT_COMING_MS);
  }

  watch(current, (is) => is !== null && (wanted.value = null));

  /** False where one's own phone did not get there; whoever asked has been told why. */
  function comesInto(callId: string): Promise<boolean> {
    return new Promise((done) => {
      const stop = watch(
        () => (current.value?.callId === callId ? true : wanted.value?.callId === callId ? null : false),
        (there) => there !== null && void Promise.resolve().then(() => (stop(), done(there))),
        { immediate: true },
      );
    });
  }

  async function end(): Promise<void> {
    const callId = current.value?.callId ?? (phone.call?.purpose === "supervision" ? phone.call.callId : null);
    if (callId === null || callId === undefined) return;
    await guarded(() => api.endSupervision(callId));
  }

  async function takeOver(callId: string): Promise<void> {
    const who = agent.value?.display_name ?? "";
    const sure = await asking.ask({ title: words.supervisor.takeOverTitle(who), body: words.supervisor.takeOverBody, confirm: words.supervisor.takeOver });
    if (sure === null) return;
    if (current.value?.callId !== callId) await join(callId, "listen"); // a call goes over only to who is in it
    if (await comesInto(callId)) await guarded(() => api.takeOver(callId));
  }

  async function steer(who: WallAgent, what: "pause" | "lift-pause" | "sign-out"): Promise<void> {
    const text = words.supervisor;
    const name = `${who.id} ${who.display_name}`;
    const question = {
      pause: { title: text.pauseTitle(name), body: text.pauseBody, confirm: text.pause },
      "lift-pause": { title: text.liftTitle(name), body: text.liftBody, confirm: text.lift },
      "sign-out": { title: text.signOutTitle(name), body: text.signOutBody, confirm: text.signOut },
    }[what];
    const reason = await asking.ask({ ...question, reasons: text.reasons });
    if (reason === null) return;
    if (await guarded(() => api.steerAgent(who.id, what, reason))) notice.done(text.sent);
  }

  return { busy, selected, wanted, agent, target, current, active, join, end, takeOver, steer };
});
