import { describe, expect, it } from "vitest";
import type { Draft, Field, FieldName, FieldRule } from "../wire";
import {
  begin,
  changedSince,
  conflicts,
  missing,
  receive,
  saved,
  sending,
  settle,
  shown,
  suggestedAnew,
  toSend,
  type,
  unsaved,
} from "./editing";

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

describe("what comes while something is typed", () => {
  it("is no conflict when only suggestions came", () => {
    const editing = type(begin(draft(1)), "address", "3号楼");
    const after = receive(editing, draft(4, { address: field("4号楼", "suggested"), title: field("t", "suggested") }));
    expect(conflicts(after)).toEqual([]);
    expect(after.draft.version).toBe(4);
    expect(toSend(after)).toEqual({ address: "3号楼" });
  });

  it("is no conflict when the other typed the same, or another field", () => {
    const editing = type(begin(draft(1)), "title", "a");
    const after = receive(editing, draft(2, { title: field("a", "typed"), demand: field("b", "typed") }));
    expect(conflicts(after)).toEqual([]);
    expect(unsaved(after)).toBe(false);
  });

  it("is a conflict when somebody typed something else into the same field, until a person has chosen", () => {
    const editing = type(begin(draft(1)), "title", "mine");
    const after = receive(editing, draft(2, { title: field("theirs", "typed") }));
    expect(conflicts(after)).toEqual([{ field: "title", mine: "mine", theirs: "theirs" }]);
    const conflict = conflicts(after)[0] as ReturnType<typeof conflicts>[0];
    expect(shown(settle(after, conflict, "theirs"), "title").value).toBe("theirs");
    const kept = settle(after, conflict, "mine");
    expect(toSend(kept)).toEqual({ title: "mine" });
    expect(conflicts(receive(kept, draft(3, { title: field("theirs", "typed") })))).toEqual([]);
    expect(conflicts(receive(kept, draft(3, { title: field("another", "typed") })))).toHaveLength(1);
  });

  it("stays a conflict when a later version brings a suggestion for another field", () => {
    const first = receive(type(begin(draft(1)), "title", "mine"), draft(2, { title: field("theirs", "typed") }));
    const then = receive(first, draft(3, { title: field("theirs", "typed"), demand: field("d", "suggested") }));
    expect(conflicts(then)).toHaveLength(1);
  });

  it("is a conflict too when the other emptied the field, or accepted another text", () => {
    const editing = type(begin(draft(1, { title: field("old", "typed") })), "title", "mine");
    expect(conflicts(receive(editing, draft(2, { title: field(null, "typed") })))).toHaveLength(1);
    expect(conflicts(receive(editing, draft(2, { title: field("s", "accepted") })))).toHaveLength(1);
  });

  it("is no conflict when the server still has what it had when the typing began", () => {
    const editing = type(begin(draft(1, { title: field("old", "typed") })), "title", "new");
    expect(conflicts(receive(editing, draft(2, { title: field("old", "typed"), demand: field("x", "suggested") })))).toEqual([]);
  });

  it("is no conflict when it is our own save, trimmed, that the stream brings before the answer", () => {
    let editing = sending(type(begin(draft(1)), "title", "a "), { title: "a " });
    editing = type(editing, "title", "a b");
    editing = receive(editing, draft(2, { title: field("a", "typed") }));
    expect(conflicts(editing)).toEqual([]);
    editing = saved(editing, { title: "a " }, draft(2, { title: field("a", "typed") }));
    expect(toSend(editing)).toEqual({ title: "a b" });
    expect(conflicts(receive(editing, draft(3, { title: field("theirs", "typed") })))).toHaveLength(1);
  });

  it("is no conflict when an earlier save of ours came through after all", () => {
    let editing = sending(type(begin(draft(1)), "title", "a"), { title: "a" });
    editing = sending(type(editing, "title", "ab"), { title: "ab" });
    editing = receive(type(editing, "title", "abc"), draft(2, { title: field("a", "typed") }));
    expect(conflicts(editing)).toEqual([]);
    expect(toSend(editing)).toEqual({ title: "abc" });
  });

  it("leaves a field that was typed while another was saved on its own base", () => {
    let editing = sending(type(begin(draft(1)), "title", "t"), { title: "t" });
    editing = type(editing, "demand", "mine");
    editing = saved(editing, { title: "t" }, draft(3, { title: field("t", "typed"), demand: field("theirs", "typed") }));
    expect(conflicts(editing)).toEqual([{ field: "demand", mine: "mine", theirs: "theirs" }]);
  });
});

describe("what a person has not seen", () => {
  const before = type(begin(draft(1, { address: field("a", "suggested") })), "title", "t ");

  it("is a field that shows something else; one's own text, trimmed by the server, is not", () => {
    const same = saved(before, { title: "t " }, draft(2, { title: field("t", "typed"), address: field("a", "suggested") }));
    expect(changedSince(before, same)).toEqual([]);
    expect(changedSince(before, receive(same, draft(3, { title: field("t", "typed"), address: field("b", "suggested") })))).toEqual([
      "address",
    ]);
  });

  it("is another suggestion beside the same value", () => {
    const offered = (value: string): Field => ({
      ...field("a", "typed"),
      suggestion: { value, label: value, confidence: 0.8, evidence: [], status: "offered", options: [] },
    });
    const one = begin(draft(1, { address: offered("b") }));
    expect(suggestedAnew(one, receive(one, draft(2, { address: offered("b") })))).toEqual([]);
    expect(suggestedAnew(one, receive(one, draft(2, { address: offered("c") })))).toEqual(["address"]);
  });
});

describe("what is missing", () => {
  const rule = (name: FieldName, required_for: FieldRule["required_for"], unless: FieldRule["unless"] = null): FieldRule => ({
    name,
    kind: "line",
    longest: 80,
    required_for,
    unless,
  });
  const rules = [
    rule("title", ["dispatch", "direct_answer"]),
    rule("category_code", ["dispatch"]),
    rule("address", ["dispatch"], { field: "appeal_type", value: "consult" }),
    rule("contact_phone", ["dispatch"], { field: "anonymous", value: true }),
    rule("demand", []),
  ];
  const asked = draft(1, {}, { missing: ["title", "address"] });

  it("counts what was just typed", () => {
    const editing = type(begin(asked), "title", "t");
    expect(missing(editing, "dispatch", rules)).toEqual(["category_code", "address", "contact_phone"]);
    expect(missing(type(editing, "title", "  "), "dispatch", rules)).toContain("title");
  });

  it("depends on the result, and on what else the form says, as the server's rules have it", () => {
    expect(missing(begin(asked), null, rules)).toEqual(missing(begin(asked), "dispatch", rules));
    expect(missing(begin(asked), "direct_answer", rules)).toEqual(["title"]);
    expect(missing(begin(asked), "invalid", rules)).toEqual([]);
    expect(missing(type(begin(asked), "anonymous", true), "dispatch", rules)).not.toContain("contact_phone");
    expect(missing(type(begin(asked), "anonymous", false), "dispatch", rules)).toContain("contact_phone");
    expect(missing(type(begin(asked), "appeal_type", "consult"), "dispatch", rules)).not.toContain("address");
  });

  it("is what the server said while its rules are not known", () => {
    expect(missing(type(begin(asked), "title", "t"), "dispatch", [])).toEqual(["address"]);
    expect(missing(begin(asked), "invalid", [])).toEqual([]);
  });
});
