/** One draft as its author sees it: the server's latest, with what was typed here and not saved yet on top (pure). */
import {
  type Disposition,
  type Draft,
  type Field,
  FIELD_NAMES,
  type FieldName,
  type FieldOrigin,
  type FieldRule,
  type FieldSuggestion,
  type FieldValue,
} from "../wire";

export interface Edit {
  value: FieldValue;
  /** What the server had when the typing began; a different server value later means that somebody else typed. */
  base: FieldValue;
  /** On their way to the server, or lost on the way: found there they are ours. */
  sent?: readonly FieldValue[];
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

const MOST_SENT = 16;
const NO_FIELD: Field = { value: null, origin: "empty", suggestion: null };

const fieldOf = (draft: Draft, name: FieldName): Field => draft.fields[name] ?? NO_FIELD;
const names = (edits: Edits): FieldName[] => Object.keys(edits) as FieldName[];

export const begin = (draft: Draft, edits: Edits = {}): Editing => ({ draft, edits });

/**
 * The server's word, by live stream or answer; an older version than ours is ignored. What was typed here stays on top
 * of it; where another person wrote meanwhile, `conflicts` says so.
 */
export function receive(editing: Editing, draft: Draft): Editing {
  if (draft.id !== editing.draft.id || draft.version < editing.draft.version) return editing;
  return settled({ ...editing, draft });
}

/** Without the edits that the server has by now, and each of the others on what is known to be our own. */
function settled(editing: Editing): Editing {
  const edits: Edits = {};
  for (const name of names(editing.edits)) {
    const edit = editing.edits[name] as Edit;
    const there = fieldOf(editing.draft, name);
    if (there.origin === "typed" && there.value === edit.value) continue;
    const ours = there.origin === "typed" && edit.sent?.some((value) => alike(there.value, value)) === true;
    edits[name] = ours ? { ...edit, base: there.value } : edit;
  }
  return { ...editing, edits };
}

export function type(editing: Editing, name: FieldName, value: FieldValue): Editing {
  const known = editing.edits[name];
  const base = known === undefined ? fieldOf(editing.draft, name).value : known.base;
  return { ...editing, edits: { ...editing.edits, [name]: { ...known, value, base } } };
}

/** The server stores texts trimmed, numbers without blanks and nothing for an empty text: that is no other text. */
export function alike(one: FieldValue, other: FieldValue): boolean {
  const bare = (value: FieldValue): FieldValue => (typeof value === "string" ? value.replace(/\s+/gu, "") : (value ?? ""));
  return bare(one) === bare(other);
}

/** Where a person's text on the server stands against what is typed here. Nothing is sent while there is one. */
export function conflicts(editing: Editing): Conflict[] {
  return names(editing.edits).flatMap((name) => {
    const edit = editing.edits[name] as Edit;
    const theirs = fieldOf(editing.draft, name);
    if (theirs.origin !== "typed" && theirs.origin !== "accepted") return [];
    const known = [edit.base, edit.value, ...(edit.sent ?? [])];
    if (known.some((value) => alike(value, theirs.value))) return [];
    return [{ field: name, mine: edit.value, theirs: theirs.value }];
  });
}

/** These go to the server now. */
export function sending(editing: Editing, sent: Partial<Record<FieldName, FieldValue>>): Editing {
  const edits = { ...editing.edits };
  for (const name of names(edits)) {
    if (!(name in sent)) continue;
    const edit = edits[name] as Edit;
    const all = [...new Set([...(edit.sent ?? []), sent[name] ?? null])];
    edits[name] = { ...edit, sent: all.length > MOST_SENT ? [all[0] as FieldValue, ...all.slice(1 - MOST_SENT)] : all };
  }
  return { ...editing, edits };
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
    if (!(name in sent)) edits[name] = edit;
    else if (sent[name] !== edit.value) edits[name] = { value: edit.value, base: fieldOf(draft, name).value };
  }
  return receive({ ...editing, edits }, draft);
}

/** After the person chose: ours stays typed on top of what the server has now, theirs drops our text. */
export function settle(editing: Editing, conflict: Conflict, keep: "mine" | "theirs"): Editing {
  if (keep === "theirs") return forgetEdit(editing, conflict.field);
  const now = fieldOf(editing.draft, conflict.field).value;
  const base = alike(now, conflict.theirs) ? now : conflict.theirs;
  return { ...editing, edits: { ...editing.edits, [conflict.field]: { value: conflict.mine, base } } };
}

/** The fields that show something else than they did: a person has not seen that. */
export function changedSince(before: Editing, after: Editing): FieldName[] {
  return FIELD_NAMES.filter((name) => !alike(shown(before, name).value, shown(after, name).value));
}

/** Where another suggestion is shown than was, or none any more. */
export function suggestedAnew(before: Editing, after: Editing): FieldName[] {
  const offer = (editing: Editing, name: FieldName): FieldValue | undefined => fieldOf(editing.draft, name).suggestion?.value;
  return FIELD_NAMES.filter((name) => offer(before, name) !== offer(after, name));
}

export const isEmpty = (value: FieldValue): boolean => value === null || (typeof value === "string" && value.trim() === "");

/**
 * The required fields that are still empty, counting what was typed and not saved yet; of a matter that is to be
 * dispatched while nothing else is chosen. Before the rules are known the server's own word on the draft has to do.
 */
export function missing(editing: Editing, disposition: Disposition | null, rules: readonly FieldRule[]): FieldName[] {
  const empty = (name: FieldName): boolean => isEmpty(shown(editing, name).value);
  if (rules.length === 0) return disposition === "invalid" ? [] : (editing.draft.missing as FieldName[]).filter(empty);
  return rules
    .filter(({ required_for }) => required_for.includes(disposition ?? "dispatch"))
    .filter(({ unless }) => unless === null || shown(editing, unless.field).value !== unless.value)
    .map(({ name }) => name)
    .filter(empty);
}
