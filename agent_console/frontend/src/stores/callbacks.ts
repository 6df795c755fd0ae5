/** The missed caller in hand: claimed, dialled, and what came of it. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { api } from "../http/api";
import { notice } from "../notices";
import type { Callback, CallbackResult } from "../wire_calls";
import { words } from "../words/zh-CN";
import { useDesk } from "./desk";
import { useLive } from "./live";

export const useCallbacks = defineStore("callbacks", () => {
  const live = useLive();
  const desk = useDesk();
  const current = shallowRef<Callback | null>(null);
  /** The call that was placed for it, to bind the outcome to. */
  const callId = ref<string | null>(null);
  const busy = ref(false);
  const result = ref<CallbackResult | null>(null);
  const note = ref("");
  /** Counts up with every change, so that lists look again. */
  const changes = ref(0);

  const mine = computed(() => current.value !== null && current.value.owner === live.agent?.id);
  /** The call on the desk is the one that was placed for it. */
  const onDesk = computed(() => {
    const id = desk.callId;
    if (id === null || current.value === null) return false;
    return id === callId.value || id === current.value.dialling || current.value.attempts.some((each) => each.call_id === id);
  });
  const canDial = computed(
    () => mine.value && current.value?.dialable !== false && !busy.value && desk.mode === "idle" && !desk.ringing && live.agent?.status !== "ringing",
  );

  async function guarded<T>(failure: string, act: () => Promise<T>): Promise<T | null> {
    if (busy.value) return null;
    busy.value = true;
    try {
      return await act();
    } catch (error) {
      notice.fail(failure, error);
      return null;
    } finally {
      busy.value = false;
      changes.value += 1;
    }
  }

  function take(item: Callback | null): void {
    current.value = item;
    callId.value = null;
    result.value = null;
    note.value = "";
  }

  async function claim(item: Callback): Promise<void> {
    const taken = await guarded(words.callbacks.claimFailed, () => api.claimCallback(item.id));
    if (taken !== null) take(taken);
  }

  async function release(): Promise<void> {
    const item = current.value;
    if (item === null) return;
    if ((await guarded(words.callbacks.releaseFailed, () => api.releaseCallback(item.id))) !== null) take(null);
  }

  async function dial(): Promise<void> {
    const item = current.value;
    if (item === null || !canDial.value) return;
    const placed = await guarded(words.callbacks.dialFailed, () => api.dialCallback(item.id));
    if (placed === null) return;
    callId.value = placed.call_id;
    if (placed.outcome === "unknown") notice.warn(words.callbacks.dialUnknown);
  }

  async function close(): Promise<boolean> {
    const item = current.value;
    const found = result.value;
    if (item === null || found === null) return false;
    const done = await guarded(words.callbacks.outcomeFailed, () => api.closeCallback(item.id, found, note.value.trim()));
    if (done === null) return false;
    notice.done(done.status === "done" ? words.callbacks.closed : words.callbacks.again);
    take(null);
    return true;
  }

  return { current, callId, busy, result, note, changes, mine, onDesk, canDial, take, claim, release, dial, close };
});
