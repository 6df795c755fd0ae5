import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { HttpError, Unreachable } from "../http/client";
import type { Draft, Field } from "../wire";
import * as copy from "./local_copy";
import { DraftKeeper } from "./saving";

const field = (value: Field["value"], origin: Field["origin"] = "typed"): Field => ({ value, origin, suggestion: null });
const draft = (version: number, fields: Draft["fields"] = {}): Draft => ({
  id: "d",
  call_id: "c",
  version,
  updated_at: "",
  status: "open",
  fields,
  missing: [],
});

function keeper(saveDraft: (id: string, version: number, fields: Record<string, unknown>) => Promise<Draft>) {
  const api = { saveDraft: vi.fn(saveDraft), decideSuggestion: vi.fn(), acceptAll: vi.fn() };
  return { made: new DraftKeeper(draft(1), { api: api as never, copy, changed: () => undefined }), api };
}

const refused = (status: number, body: object): HttpError => new HttpError(status, { error: "e", detail: "", ...body });

beforeEach(copy.dropAll);

describe("saving", () => {
  it("sends what was typed with the version it was typed on", async () => {
    const { made, api } = keeper(async () => draft(2, { title: field("t") }));
    made.type("title", "t");
    expect(await made.save()).toBe(true);
    expect(api.saveDraft).toHaveBeenCalledExactlyOnceWith("d", 1, { title: "t" });
    expect(made.state).toBe("saved");
    expect(await copy.kept("d")).toBeNull();
  });

  it("keeps a copy in the browser while the server is away, and a new page finds it", async () => {
    const { made } = keeper(() => Promise.reject(new Unreachable("away")));
    made.type("title", "t");
    expect(await made.save()).toBe(false);
    expect(made.state).toBe("local");
    await vi.waitFor(async () => expect(await copy.kept("d")).toEqual({ title: { value: "t", base: null } }));

    const { made: next, api } = keeper(async () => draft(2, { title: field("t") }));
    await next.restore();
    expect(next.restored).toBe(true);
    expect(await next.save()).toBe(true);
    expect(api.saveDraft).toHaveBeenCalledOnce();
    expect(await copy.kept("d")).toBeNull();
  });

  it("tries again by itself when only suggestions changed the version", async () => {
    let asked = 0;
    const { made, api } = keeper(async (_, version) => {
      asked += 1;
      if (asked === 1) throw refused(409, { current: draft(5, { address: field("a", "suggested") }) });
      return draft(version + 1, { title: field("t") });
    });
    made.type("title", "t");
    expect(await made.save()).toBe(true);
    expect(api.saveDraft.mock.calls.map((call) => call[1])).toEqual([1, 5]);
  });

  it("stops for a person when two texts stand against each other, and goes on with the choice", async () => {
    let asked = 0;
    const { made, api } = keeper(async (_, version, fields) => {
      asked += 1;
      if (asked === 1) throw refused(409, { current: draft(2, { title: field("theirs") }) });
      return draft(version + 1, { title: field(fields.title as string) });
    });
    made.type("title", "mine");
    expect(await made.save()).toBe(false);
    expect(made.conflicts).toEqual([{ field: "title", mine: "mine", theirs: "theirs" }]);
    expect(await made.save()).toBe(false);
    expect(api.saveDraft).toHaveBeenCalledOnce();
    await made.resolve(new Map([["title", "mine"]]));
    expect(api.saveDraft).toHaveBeenLastCalledWith("d", 2, { title: "mine" });
    expect(made.state).toBe("saved");
  });

  it("does not let one refused field hold the others back", async () => {
    const { made, api } = keeper(async (_, version, fields) => {
      if ("contact_phone" in fields) throw refused(422, { field: "contact_phone" });
      return draft(version + 1, { title: field("t") });
    });
    made.type("contact_phone", "abc");
    made.type("title", "t");
    expect(await made.save()).toBe(false);
    expect(made.state).toBe("rejected");
    expect([...made.rejected.keys()]).toEqual(["contact_phone"]);
    expect(api.saveDraft).toHaveBeenLastCalledWith("d", 1, { title: "t" });
  });

  it("runs once at a time", async () => {
    const { made, api } = keeper(async () => draft(2, { title: field("t") }));
    made.type("title", "t");
    await Promise.all([made.save(), made.save()]);
    expect(api.saveDraft).toHaveBeenCalledOnce();
  });
});

describe("the browser's copies", () => {
  it("stay for the person who typed them and are gone for anybody else", async () => {
    await copy.belongTo("1");
    await copy.keep("d", { title: { value: "t", base: null } });
    await copy.belongTo("1");
    expect(await copy.kept("d")).toEqual({ title: { value: "t", base: null } });
    await copy.belongTo("2");
    expect(await copy.kept("d")).toBeNull();
  });
});
