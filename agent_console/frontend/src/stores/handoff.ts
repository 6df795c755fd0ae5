/** The ledger entry of the transfer on the desk: receipt and summary saved by themselves, the summary pushed to the centre. */
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef, watch } from "vue";
import { api } from "../http/api";
import { notice } from "../notices";
import { type Ledger, Pen, type Written } from "../transfers/pen";
import { words } from "../words/zh-CN";
import { useLive } from "./live";

const LOOK_AFTER_PUSH_MS = 1200;
const MOST_LOOKS = 10;
/** So long a hand-over waits for the receipt, so that the ledger has it first. */
const GO_FIRST_MS = 300;

const ledger: Ledger = { read: api.handoff, change: api.changeHandoff };
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export const useHandoff = defineStore("handoff", () => {
  const live = useLive();
  /** By matter: what is not saved yet goes on being tried when the desk shows another one. */
  const pens = new Map<string, Pen>();
  const pen = shallowRef<Pen | null>(null);
  const pushing = ref(false);

  /** Of a matter for a centre; there is nothing to write about a colleague, and a colleague may not read it. */
  const id = computed(() => (live.call?.transfer?.target.kind === "centre" ? live.call.transfer.handoff_id : null));

  function penOf(matter: string): Pen {
    const found = pens.get(matter) ?? shallowReactive(new Pen(matter, ledger));
    pens.set(matter, found);
    return found;
  }

  watch(
    [id, () => live.call?.transfer?.state],
    ([is], before) => {
      if (is !== before?.[0]) {
        if (pen.value !== null) void pen.value.save();
        for (const [matter, each] of pens) if (each.clean && matter !== is) pens.delete(matter);
        pen.value = is === null ? null : penOf(is);
      }
      void pen.value?.load();
    },
    { immediate: true },
  );

  // The ledger moves on by itself: steps, and the push of the summary.
  watch(
    () => live.emergency?.handoffs.find((each) => each.id === id.value)?.version ?? 0,
    (version) => version > (pen.value?.entry?.version ?? 0) && pen.value?.saving !== "saving" && void pen.value?.load(),
  );

  function type(field: keyof Written, text: string): void {
    pen.value?.write(field, text);
  }

  const save = async (): Promise<boolean> => (await pen.value?.save()) ?? true;

  /** Before the operator leaves the call: what is written goes first where that takes no time. */
  const saveFirst = (): Promise<unknown> => Promise.race([save(), pause(GO_FIRST_MS)]);

  async function push(text: string): Promise<void> {
    const mine = pen.value;
    if (mine?.entry == null || pushing.value) return;
    pushing.value = true;
    try {
      if (mine.written.summary === undefined && mine.entry.summary === "") mine.write("summary", text);
      if (!(await mine.save())) throw new Error("not saved");
      mine.take(await api.pushHandoff(mine.id));
      for (let look = 0; look < MOST_LOOKS && mine.entry?.push_state === "pending"; look += 1) {
        await pause(LOOK_AFTER_PUSH_MS);
        await mine.load();
      }
    } catch (error) {
      notice.fail(words.transfer.pushFailed, error);
    } finally {
      pushing.value = false;
    }
  }

  return {
    handoff: computed(() => pen.value?.entry ?? null),
    receipt: computed(() => pen.value?.written.receipt ?? null),
    summary: computed(() => pen.value?.written.summary ?? null),
    saving: computed(() => pen.value?.saving ?? "saved"),
    pushing,
    type,
    saveFirst,
    push,
  };
});
