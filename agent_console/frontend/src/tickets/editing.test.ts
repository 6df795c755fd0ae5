import { describe, expect, it } from "vitest";
import type { Draft, Field, FieldName } from "../wire";
import { begin, firstSummary, missing, rebase, receive, saved, settle, shown, toSend, type, unsaved } from "./editing";

const field = (value: Field["value"], origin: Field["origin"] = "empty"): Field => ({ value, origin, suggestion: null });

function draft(version: number, fields: Partial<Record<FieldName, Field>> = {}, more: Partial<Draft> = {}): Draft {
  return { id: "d", call_id: "c", version, updated_at: "", status: "open", fields, missing: [], ...more };
}

describe("typing", () => {
  it("shows at once, as the person's own, and stays over whatever the server sends", () => {
    let editing = type(begin(draft(1, { address: field("4号楼", "suggested") })), "address", "3号楼");
    expect(shown(editing, "address")).toMatchObject({ value: "3号楼", origin: "typed", unsaved: true });
    editing = receive(editing, draft(2, { address: field("5号楼", "suggested") }));
    expect(shown(editing, "address").value).toBe("3号楼");
    expect(toSend(editing)).toEqual({ address: "3号楼" });
  });

  it("ignores an older draft and another call's draft", () => {
    const editing = begin(draft(5, { title: field("a") }));
    expect(receive(editing, draft(4))).toBe(editing);
    expect(receive(editing, draft(9, {}, { id: "other" }))).toBe(editing);
  });

  it("that goes on while a save travels stays unsaved", () => {
    let editing = type(begin(draft(1)), "title", "a");
    const sent = toSend(editing);
    editing = type(editing, "title", "ab");
    editing = saved(editing, sent, draft(2, { title: field("a", "typed") }));
    expect(toSend(editing)).toEqual({ title: "ab" });
    editing = saved(editing, toSend(editing), draft(3, { title: field("ab", "typed") }));
    expect(unsaved(editing)).toBe(false);
    expect(shown(editing, "title")).toMatchObject({ value: "ab", origin: "typed", unsaved: false });
  });
});

describe("an old version", () => {
  it("is no conflict when only suggestions came", () => {
    const editing = type(begin(draft(1)), "address", "3号楼");
    const result = rebase(editing, draft(4, { address: field("4号楼", "suggested"), title: field("t", "suggested") }));
    expect(result.conflicts).toEqual([]);
    expect(result.editing.draft.version).toBe(4);
    expect(toSend(result.editing)).toEqual({ address: "3号楼" });
  });

  it("is no conflict when the other typed the same, or another field", () => {
    const editing = type(begin(draft(1)), "title", "a");
    const result = rebase(editing, draft(2, { title: field("a", "typed"), demand: field("b", "typed") }));
    expect(result.conflicts).toEqual([]);
    expect(unsaved(result.editing)).toBe(false);
  });

  it("is a conflict when somebody typed something else into the same field", () => {
    const editing = type(begin(draft(1)), "title", "mine");
    const { conflicts, editing: after } = rebase(editing, draft(2, { title: field("theirs", "typed") }));
    expect(conflicts).toEqual([{ field: "title", mine: "mine", theirs: "theirs" }]);
    const conflict = conflicts[0] as (typeof conflicts)[0];
    expect(shown(settle(after, conflict, "theirs"), "title").value).toBe("theirs");
    const kept = settle(after, conflict, "mine");
    expect(toSend(kept)).toEqual({ title: "mine" });
    expect(rebase(kept, draft(3, { title: field("theirs", "typed") })).conflicts).toEqual([]);
  });

  it("is no conflict when the server still has what it had when the typing began", () => {
    const editing = type(begin(draft(1, { title: field("old", "typed") })), "title", "new");
    expect(rebase(editing, draft(2, { title: field("old", "typed"), demand: field("x", "suggested") })).conflicts).toEqual([]);
  });
});

describe("what is missing", () => {
  const asked = draft(1, {}, { missing: ["title", "category_code", "address", "contact_phone"] });

  it("counts what was just typed", () => {
    const editing = type(begin(asked), "title", "t");
    expect(missing(editing, "dispatch")).toEqual(["category_code", "address", "contact_phone"]);
    expect(missing(type(editing, "title", "  "), "dispatch")).toContain("title");
  });

  it("depends on the result and on anonymity", () => {
    expect(missing(begin(asked), "direct_answer")).toEqual(["title"]);
    expect(missing(begin(asked), "invalid")).toEqual([]);
    expect(missing(type(begin(asked), "anonymous", true), "dispatch")).not.toContain("contact_phone");
  });
});

it("words a first closing note from the form", () => {
  const editing = begin(draft(1, { title: field("t", "typed"), address: field("a", "typed"), demand: field(null) }));
  expect(firstSummary(editing, "; ")).toBe("t; a");
});
