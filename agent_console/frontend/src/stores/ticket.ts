/** The ticket on the desk: the call's own draft, or an older one opened from the list. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, triggerRef } from "vue";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import { changedSince, isEmpty, missing, type ShownField, shown } from "../tickets/editing";
import { notice } from "../notices";
import * as copy from "../tickets/local_copy";
import { type Decided, DraftKeeper } from "../tickets/saving";
import { type Stranded, UnsentDrafts } from "../tickets/unsent";
import type { Completeness, Disposition, Draft, Evidence, FieldName, FieldValue, Ticket, Turn } from "../wire";
import type { ClosedWithout } from "../wire_desk";
import { words } from "../words/zh-CN";
import { useReference } from "./reference";

const SAVE_EVERY_MS = 2000;
const MOST_SUBMITS = 3;

/** `unsaved`: what is typed is not on the server. `changed`: the form shows something else than when it was pressed. */
export type Submission =
  | { outcome: "done"; ticket: Ticket }
  | { outcome: "changed"; fields: FieldName[] }
  | { outcome: "unsaved" }
  | { outcome: "busy" };

export const useTicket = defineStore("ticket", () => {
  const reference = useReference();
  const keeper = shallowRef<DraftKeeper | null>(null);
  const opening = ref(false);
  const failed = ref(false);
  const disposition = ref<Disposition | null>(null);
  const submitting = ref(false);
  const submitted = shallowRef<Ticket | null>(null);
  /** The latest ticket of this page, to read its number out after the desk has moved on. */
  const last = shallowRef<Ticket | null>(null);
  /** Fields that the server found missing at a refused submission. */
  const refusedFields = ref<string[]>([]);
  /** The words to show in the transcript just now, and the field they belong to. */
  const evidence = shallowRef<{ field: FieldName; spans: Evidence[] } | null>(null);
  /** What was said, of a draft whose call is over; a live call's words come by the live stream. */
  const turns = shallowRef<readonly Turn[]>([]);
  const completeness = shallowRef<Completeness | null>(null);
  const focused = ref<FieldName | null>(null);

  /** Drafts that are not on the desk and have text that is not on the server. */
  const waiting = shallowRef<readonly DraftKeeper[]>([]);
  const stranded = shallowRef<readonly Stranded[]>([]);
  const unsent = new UnsentDrafts({
    draft: api.draft,
    copy,
    keeper: async (given) => {
      const made = keeperOf(given);
      await made.restore();
      return made;
    },
    onDesk: () => draft.value?.id ?? null,
    changed: look,
  });
  /** Texts that only this page, or this browser, has: on the desk or not. */
  const anyUnsent = computed(() => keeper.value?.unsaved === true || waiting.value.length > 0);

  const draft = computed(() => keeper.value?.editing.draft ?? null);
  const callId = computed(() => draft.value?.call_id ?? null);
  const missingFields = computed(() => {
    if (keeper.value === null) return [];
    const found = new Set<string>(missing(keeper.value.editing, disposition.value, reference.rules));
    for (const name of refusedFields.value) if (isEmpty(field(name as FieldName).value)) found.add(name);
    return [...found] as FieldName[];
  });

  function field(name: FieldName): ShownField {
    return keeper.value === null
      ? { value: null, origin: "empty", suggestion: null, unsaved: false }
      : shown(keeper.value.editing, name);
  }

  function look(): void {
    waiting.value = [...unsent.keepers.values()];
    stranded.value = [...unsent.stranded.values()];
  }

  function keeperOf(given: Draft): DraftKeeper {
    const made: DraftKeeper = new DraftKeeper(given, {
      api,
      copy,
      changed: () => (keeper.value === made ? triggerRef(keeper) : look()),
    });
    return made;
  }

  async function show(given: Draft): Promise<void> {
    if (keeper.value?.editing.draft.id === given.id) {
      keeper.value.receive(given);
      return;
    }
    if (keeper.value !== null) unsent.put(keeper.value);
    const back = unsent.take(given.id);
    const next = back ?? keeperOf(given);
    keeper.value = next;
    disposition.value = null;
    submitted.value = null;
    refusedFields.value = [];
    evidence.value = null;
    turns.value = [];
    completeness.value = null;
    if (back === null) await next.restore();
    else back.receive(given);
  }

  async function opened(ask: () => Promise<Draft>): Promise<void> {
    opening.value = true;
    failed.value = false;
    try {
      await show(await ask());
    } catch {
      failed.value = true;
    } finally {
      opening.value = false;
    }
  }

  const openForCall = (id: string): Promise<void> => opened(() => api.openDraft(id));
  async function openById(id: string): Promise<void> {
    await opened(() => api.draft(id));
    await loadTurns();
  }

  /** What was said, of a ticket whose call is not on the desk (any more). */
  async function loadTurns(): Promise<void> {
    const call = callId.value;
    if (call === null) return;
    const transcript = await api.transcript(call).catch(() => null);
    if (callId.value !== call) return;
    turns.value = transcript?.turns ?? [];
    completeness.value = transcript?.completeness ?? null;
  }

  /** The live stream's draft of the call that is on the desk. */
  function receive(given: Draft): void {
    if (keeper.value === null || keeper.value.editing.draft.id === given.id) void show(given);
  }

  function close(): void {
    if (keeper.value !== null) unsent.put(keeper.value);
    keeper.value = null;
    submitted.value = null;
    evidence.value = null;
  }

  /** How many drafts still have text that is not on the server, after one more attempt. */
  async function saveAll(): Promise<number> {
    await Promise.all([keeper.value?.save(), unsent.saveAll()]);
    return waiting.value.length + (keeper.value?.unsaved === true ? 1 : 0);
  }

  const gather = (): Promise<void> => unsent.gather();
  const discard = (id: string): Promise<void> => unsent.discard(id);

  /** Nothing is changed in a draft that was submitted or closed; what is pressed too late does nothing. */
  const editable = computed(() => draft.value?.status === "open" && submitted.value === null);

  function typeInto(name: FieldName, value: FieldValue): void {
    if (editable.value) keeper.value?.type(name, value);
  }

  /** Element Plus says undefined or null for a cleared choice and "" for a cleared text; the server knows null only. */
  function put(name: FieldName, value: unknown): void {
    const given = value === undefined || value === "" ? null : (value as FieldValue);
    if (given !== field(name).value) typeInto(name, given);
  }

  /** Submits what the person saw when the key was pressed, or nothing: a later suggestion has to be looked at first. */
  async function submit(finalSummary: string): Promise<Submission> {
    const current = keeper.value;
    if (current === null || disposition.value === null || submitting.value) return { outcome: "busy" };
    const seen = current.editing;
    submitting.value = true;
    refusedFields.value = [];
    try {
      for (let round = 0; ; round += 1) {
        if (!(await current.save())) return { outcome: "unsaved" };
        const fields = changedSince(seen, current.editing);
        if (fields.length > 0) return { outcome: "changed", fields };
        try {
          const { id, version } = current.editing.draft;
          const ticket = await api.submitDraft(id, version, disposition.value, finalSummary);
          last.value = submitted.value = ticket;
          return { outcome: "done", ticket };
        } catch (error) {
          // A suggestion may have raised the version between our save and our submission.
          if (!(error instanceof HttpError) || error.body.current === undefined || round >= MOST_SUBMITS) throw error;
          current.receive(error.body.current);
        }
      }
    } catch (error) {
      if (error instanceof HttpError && error.body.fields !== undefined) refusedFields.value = error.body.fields;
      throw error;
    } finally {
      submitting.value = false;
    }
  }

  async function decided(act: () => Promise<Decided | undefined>): Promise<void> {
    try {
      const result = await act();
      if (result === "unsaved") notice.warn(words.ticket.decisionUnsaved);
      else if (result === "changed") notice.warn(words.ticket.decisionChanged);
    } catch (error) {
      notice.fail(words.ticket.decisionFailed, error);
    }
  }

  /** No ticket comes of this call. What is typed is saved first; nothing of it is lost. */
  async function closeWithout(reason: ClosedWithout): Promise<boolean> {
    const current = keeper.value;
    if (current === null || submitting.value) return false;
    submitting.value = true;
    try {
      if (!(await current.save())) return false;
      const { id, version } = current.editing.draft;
      current.receive(await api.closeDraft(id, version, reason));
      return true;
    } catch (error) {
      if (error instanceof HttpError && error.body.current !== undefined) current.receive(error.body.current);
      throw error;
    } finally {
      submitting.value = false;
    }
  }

  async function reopen(): Promise<void> {
    const current = keeper.value;
    if (current === null) return;
    try {
      current.receive(await api.reopenDraft(current.editing.draft.id));
    } catch (error) {
      notice.fail(words.noTicket.reopenFailed, error);
    }
  }

  const decide = (name: FieldName, action: "accept" | "dismiss" | "undo"): Promise<void> =>
    decided(async () => (editable.value ? keeper.value?.decide(name, action) : undefined));
  const acceptAll = (): Promise<void> => decided(async () => (editable.value ? keeper.value?.acceptAll() : undefined));

  setInterval(() => {
    const now = Date.now();
    if (keeper.value?.due(now) === true) void keeper.value.save();
    unsent.retry(now);
  }, SAVE_EVERY_MS);

  return {
    keeper,
    draft,
    callId,
    opening,
    failed,
    disposition,
    submitting,
    submitted,
    last,
    editable,
    missingFields,
    evidence,
    turns,
    completeness,
    focused,
    field,
    openForCall,
    openById,
    loadTurns,
    receive,
    close,
    waiting,
    stranded,
    anyUnsent,
    saveAll,
    gather,
    discard,
    typeInto,
    put,
    submit,
    closeWithout,
    reopen,
    decide,
    acceptAll,
  };
});
