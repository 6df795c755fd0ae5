/** One draft as its author sees it: the server's latest, with what was typed here and not saved yet on top (pure). */
import type { Draft, Field, FieldName, FieldOrigin, FieldSuggestion, FieldValue } from "../wire";

export interface Edit {
  value: FieldValue;
  /** What the server had when the typing began; a different server value later means that somebody else typed. */
  base: FieldValue;
}

export type Edits = Partial<Record<FieldName, Edit>>;

export interface Editing {
  readonly draft: Draft;
  readonly edits: Edits;
}

export interface ShownField {
  value: FieldValue;
  origin: FieldOrigin;
  suggestion: FieldSuggestion | null;
  /** Typed here and not yet saved. */
  unsaved: boolean;
}

export interface Conflict {
  field: FieldName;
  mine: FieldValue;
  theirs: FieldValue;
}

const NO_FIELD: Field = { value: null, origin: "empty", suggestion: null };

const fieldOf = (draft: Draft, name: FieldName): Field => draft.fields[name] ?? NO_FIELD;
const names = (edits: Edits): FieldName[] => Object.keys(edits) as FieldName[];

export const begin = (draft: Draft, edits: Edits = {}): Editing => ({ draft, edits });

/** The server's word, by live stream or answer; an older version than ours is ignored. */
export function receive(editing: Editing, draft: Draft): Editing {
  if (draft.id !== editing.draft.id || draft.version < editing.draft.version) return editing;
  return { ...editing, draft };
}

export function type(editing: Editing, name: FieldName, value: FieldValue): Editing {
  const known = editing.edits[name];
  const base = known === undefined ? fieldOf(editing.draft, name).value : known.base;
  return { ...editing, edits: { ...editing.edits, [name]: { value, base } } };
}

/** Drop what was typed here for one field: a suggestion was accepted instead, or the other side's text was chosen. */
export function forgetEdit(editing: Editing, name: FieldName): Editing {
  const edits = { ...editing.edits };
  delete edits[name];
  return { ...editing, edits };
}

export function shown(editing: Editing, name: FieldName): ShownField {
  const field = fieldOf(editing.draft, name);
  const edit = editing.edits[name];
  if (edit === undefined) return { ...field, unsaved: false };
  return { value: edit.value, origin: "typed", suggestion: field.suggestion, unsaved: true };
}

export const unsaved = (editing: Editing): boolean => names(editing.edits).length > 0;

export function toSend(editing: Editing): Partial<Record<FieldName, FieldValue>> {
  return Object.fromEntries(names(editing.edits).map((name) => [name, editing.edits[name]?.value ?? null]));
}

/** The server took `sent`; what was typed on while it travelled stays unsaved. */
export function saved(editing: Editing, sent: Partial<Record<FieldName, FieldValue>>, draft: Draft): Editing {
  const edits: Edits = {};
  for (const name of names(editing.edits)) {
    const edit = editing.edits[name] as Edit;
    if (!(name in sent) || sent[name] !== edit.value) edits[name] = { value: edit.value, base: fieldOf(draft, name).value };
  }
  return receive({ ...editing, edits }, draft);
}

/** The version was old: take the server's draft, and name the fields where a person's text stands against ours. */
export function rebase(editing: Editing, current: Draft): { editing: Editing; conflicts: Conflict[] } {
  const edits: Edits = {};
  const conflicts: Conflict[] = [];
  for (const name of names(editing.edits)) {
    const edit = editing.edits[name] as Edit;
    const theirs = fieldOf(current, name);
    if (theirs.value === edit.value && theirs.origin === "typed") continue;
    const person = theirs.origin === "typed" || theirs.origin === "accepted";
    if (person && theirs.value !== edit.base) conflicts.push({ field: name, mine: edit.value, theirs: theirs.value });
    edits[name] = edit;
  }
  return { editing: receive({ ...editing, edits }, current), conflicts };
}

/** After the person chose: ours stays typed on top of what the server has now, theirs drops our text. */
export function settle(editing: Editing, conflict: Conflict, keep: "mine" | "theirs"): Editing {
  if (keep === "theirs") return forgetEdit(editing, conflict.field);
  return { ...editing, edits: { ...editing.edits, [conflict.field]: { value: conflict.mine, base: conflict.theirs } } };
}

export const isEmpty = (value: FieldValue): boolean => value === null || (typeof value === "string" && value.trim() === "");

const NEEDED_FOR_ANSWER: ReadonlySet<string> = new Set<FieldName>(["title", "appeal_type", "description"]);

/** The required fields that are still empty, counting what was typed and not saved yet. */
export function missing(editing: Editing, disposition: string | null): FieldName[] {
  if (disposition === "invalid") return [];
  const found = new Set(editing.draft.missing as FieldName[]);
  for (const name of names(editing.edits)) {
    if (!isEmpty((editing.edits[name] as Edit).value)) found.delete(name);
  }
  if (shown(editing, "anonymous").value === true) found.delete("contact_phone");
  const all = [...found];
  return disposition === "direct_answer" ? all.filter((name) => NEEDED_FOR_ANSWER.has(name)) : all;
}

/** A first wording of the closing note, from what the form says; the operator checks it. */
export function firstSummary(editing: Editing, joiner: string): string {
  const parts = (["title", "address", "demand"] as const)
    .map((name) => shown(editing, name).value)
    .filter((value): value is string => typeof value === "string" && value.trim() !== "");
  return parts.join(joiner);
}
