/** The ledger entry of the transfer on the desk: receipt and summary saved by themselves, the summary pushed to the centre. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, watch } from "vue";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import { notice } from "../notices";
import type { Handoff } from "../wire_calls";
import { words } from "../words/zh-CN";
import { useLive } from "./live";

type Saving = "saved" | "dirty" | "saving" | "failed";

const SAVE_AFTER_MS = 700;
const AGAIN_AFTER_MS = 3000;
const LOOK_AFTER_PUSH_MS = 1200;
const MOST_LOOKS = 10;

export const useHandoff = defineStore("handoff", () => {
  const live = useLive();
  const handoff = shallowRef<Handoff | null>(null);
  const receipt = ref<string | null>(null);
  const summary = ref<string | null>(null);
  const saving = ref<Saving>("saved");
  const pushing = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Of a matter for a centre; there is nothing to write about a colleague, and a colleague may not read it. */
  const id = computed(() => (live.call?.transfer?.target.kind === "centre" ? live.call.transfer.handoff_id : null));

  watch(
    [id, () => live.call?.transfer?.state],
    ([is], before) => {
      if (is !== before?.[0]) {
        void save();
        handoff.value = null;
        receipt.value = summary.value = null;
        saving.value = "saved";
      }
      if (is !== null) void load();
    },
    { immediate: true },
  );

  // The ledger moves on by itself: steps, and the push of the summary.
  watch(
    () => live.emergency?.handoffs.find((each) => each.id === id.value)?.version ?? 0,
    (version) => version > (handoff.value?.version ?? 0) && saving.value !== "saving" && void load(),
  );

  async function load(): Promise<void> {
    const asked = id.value;
    if (asked === null) return;
    const found = await api.handoff(asked).catch(() => null);
    if (found !== null && id.value === asked && (handoff.value === null || found.version >= handoff.value.version)) handoff.value = found;
  }

  function type(field: "receipt" | "summary", text: string): void {
    (field === "receipt" ? receipt : summary).value = text;
    saving.value = "dirty";
    clearTimeout(timer);
    timer = setTimeout(() => void save(), SAVE_AFTER_MS);
  }

  async function save(): Promise<boolean> {
    clearTimeout(timer);
    const entry = handoff.value;
    const change: { receipt?: string; summary?: string } = {};
    if (receipt.value !== null && receipt.value !== entry?.receipt) change.receipt = receipt.value;
    if (summary.value !== null && summary.value !== entry?.summary) change.summary = summary.value;
    if (entry === null || Object.keys(change).length === 0) {
      if (entry !== null) saving.value = "saved";
      return true;
    }
    saving.value = "saving";
    try {
      take(await changed(entry, change));
      const more = (receipt.value ?? entry.receipt) !== (change.receipt ?? entry.receipt) || (summary.value ?? entry.summary) !== (change.summary ?? entry.summary);
      saving.value = more ? "dirty" : "saved";
      if (more) timer = setTimeout(() => void save(), SAVE_AFTER_MS);
      return true;
    } catch {
      saving.value = "failed";
      timer = setTimeout(() => void save(), AGAIN_AFTER_MS);
      return false;
    }
  }

  /** The steps of the ledger raise the version while one types: ours is put on top of what the server has now. */
  async function changed(entry: Handoff, change: { receipt?: string; summary?: string }): Promise<Handoff> {
    try {
      return await api.changeHandoff(entry.id, entry.version, change);
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 409) throw error;
      const current = await api.handoff(entry.id);
      return api.changeHandoff(entry.id, current.version, change);
    }
  }

  function take(given: Handoff): void {
    if (given.id === id.value) handoff.value = given;
  }

  async function push(text: string): Promise<void> {
    const entry = handoff.value;
    if (entry === null || pushing.value) return;
    pushing.value = true;
    try {
      if (summary.value === null && entry.summary === "") summary.value = text;
      if (!(await save())) throw new Error("not saved");
      take(await api.pushHandoff(entry.id));
      for (let look = 0; look < MOST_LOOKS && handoff.value?.push_state === "pending"; look += 1) {
        await new Promise((done) => setTimeout(done, LOOK_AFTER_PUSH_MS));
        await load();
      }
    } catch (error) {
      notice.fail(words.transfer.pushFailed, error);
    } finally {
      pushing.value = false;
    }
  }

  return { handoff, receipt, summary, saving, pushing, load, type, save, push };
});
