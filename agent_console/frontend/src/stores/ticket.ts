/** The ticket on the desk: the call's own draft, or an older one opened from the list. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef, triggerRef } from "vue";
import { api } from "../http/api";
import { HttpError } from "../http/client";
import { isEmpty, missing, type ShownField, shown } from "../tickets/editing";
import { notice } from "../notices";
import * as copy from "../tickets/local_copy";
import { DraftKeeper } from "../tickets/saving";
import type { Disposition, Draft, Evidence, FieldName, FieldValue, Ticket, Turn } from "../wire";
import type { ClosedWithout } from "../wire_desk";
import { words } from "../words/zh-CN";

const SAVE_EVERY_MS = 2000;
const MOST_SUBMITS = 3;

export const useTicket = defineStore("ticket", () => {
  const keeper = shallowRef<DraftKeeper | null>(null);
  const opening = ref(false);
  const failed = ref(false);
  const disposition = ref<Disposition | null>(null);
  const summary = ref<string | null>(null);
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
  const focused = ref<FieldName | null>(null);

  const draft = computed(() => keeper.value?.editing.draft ?? null);
  const callId = computed(() => draft.value?.call_id ?? null);
  const missingFields = computed(() => {
    if (keeper.value === null) return [];
    const found = new Set<string>(missing(keeper.value.editing, disposition.value));
    for (const name of refusedFields.value) if (isEmpty(field(name as FieldName).value)) found.add(name);
    return [...found] as FieldName[];
  });

  function field(name: FieldName): ShownField {
    return keeper.value === null
      ? { value: null, origin: "empty", suggestion: null, unsaved: false }
      : shown(keeper.value.editing, name);
  }

  async function show(given: Draft): Promise<void> {
    if (keeper.value?.editing.draft.id === given.id) {
      keeper.value.receive(given);
      return;
    }
    const old = keeper.value;
    if (old !== null) void old.save();
    const next: DraftKeeper = new DraftKeeper(given, {
      api,
      copy,
      changed: () => keeper.value === next && triggerRef(keeper),
    });
    keeper.value = next;
    disposition.value = null;
    summary.value = null;
    submitted.value = null;
    refusedFields.value = [];
    evidence.value = null;
    turns.value = [];
    await next.restore();
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
    if (callId.value === call) turns.value = transcript?.turns ?? [];
  }

  /** The live stream's draft of the call that is on the desk. */
  function receive(given: Draft): void {
    if (keeper.value === null || keeper.value.editing.draft.id === given.id) void show(given);
  }

  function close(): void {
    void keeper.value?.save();
    keeper.value = null;
    submitted.value = null;
    evidence.value = null;
  }

  function typeInto(name: FieldName, value: FieldValue): void {
    keeper.value?.type(name, value);
  }

  async function submit(finalSummary: string): Promise<Ticket | null> {
    const current = keeper.value;
    if (current === null || disposition.value === null || submitting.value) return null;
    submitting.value = true;
    refusedFields.value = [];
    try {
      for (let round = 0; ; round += 1) {
        if (!(await current.save())) return null;
        try {
          const { id, version } = current.editing.draft;
          last.value = submitted.value = await api.submitDraft(id, version, disposition.value, finalSummary);
          return submitted.value;
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

  async function decided(act: () => Promise<void> | undefined): Promise<void> {
    try {
      await act();
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
    decided(() => keeper.value?.decide(name, action));
  const acceptAll = (): Promise<void> => decided(() => keeper.value?.acceptAll());

  setInterval(() => {
    const state = keeper.value?.state;
    if (state === "dirty" || state === "local") void keeper.value?.save();
  }, SAVE_EVERY_MS);

  return {
    keeper,
    draft,
    callId,
    opening,
    failed,
    disposition,
    summary,
    submitting,
    submitted,
    last,
    missingFields,
    evidence,
    turns,
    focused,
    field,
    openForCall,
    openById,
    loadTurns,
    receive,
    close,
    typeInto,
    submit,
    closeWithout,
    reopen,
    decide,
    acceptAll,
  };
});
