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
  const drop = vi.fn(copy.drop);
  return { made: new DraftKeeper(draft(1), { api: api as never, copy: { ...copy, drop }, changed: () => undefined }), api, drop };
}

const refused = (status: number, body: object): HttpError => new HttpError(status, { error: "e", detail: "", ...body });

const KEY = "11".repeat(32);

beforeEach(async () => {
  await copy.belongTo("1", KEY);
  for (const id of await copy.all()) await copy.drop(id);
});

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
    await vi.waitFor(async () => expect(await copy.kept("d")).toMatchObject({ title: { value: "t", base: null } }));

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

describe("what another person wrote", () => {
  it("stops the next save when the live stream brought it", async () => {
    const { made, api } = keeper(async () => draft(3, { title: field("mine") }));
    made.type("title", "mine");
    made.receive(draft(2, { title: field("theirs") }));
    expect(made.state).toBe("conflict");
    expect(await made.save()).toBe(false);
    expect(api.saveDraft).not.toHaveBeenCalled();
    await made.resolve(new Map([["title", "theirs"]]));
    expect(made.state).toBe("saved");
    expect(api.saveDraft).not.toHaveBeenCalled();
  });

  it("stands against what an earlier page typed", async () => {
    await copy.keep("d", { title: { value: "mine", base: null } });
    const api = { saveDraft: vi.fn(), decideSuggestion: vi.fn(), acceptAll: vi.fn() };
    const made = new DraftKeeper(draft(7, { title: field("theirs") }), { api, copy, changed: () => undefined });
    await made.restore();
    expect(made.conflicts).toEqual([{ field: "title", mine: "mine", theirs: "theirs" }]);
    expect(await made.save()).toBe(false);
    expect(api.saveDraft).not.toHaveBeenCalled();
  });

  it("is no conflict when it is what the earlier page had sent", async () => {
    await copy.keep("d", { title: { value: "abc", base: null, sent: ["ab"] } });
    const made = new DraftKeeper(draft(2, { title: field("ab") }), {
      api: { saveDraft: vi.fn(async () => draft(3, { title: field("abc") })), decideSuggestion: vi.fn(), acceptAll: vi.fn() },
      copy,
      changed: () => undefined,
    });
    await made.restore();
    expect(await made.save()).toBe(true);
  });
});

describe("a refusal", () => {
  it("that names no field is tried again, ever more rarely, and says why", async () => {
    const { made, api } = keeper(() => Promise.reject(refused(403, { error: "forbidden" })));
    made.type("title", "t");
    expect(await made.save()).toBe(false);
    expect(made.state).toBe("local");
    expect(made.refusal).toBeInstanceOf(HttpError);
    expect(made.due(Date.now())).toBe(false);
    expect(made.due(Date.now() + 2100)).toBe(true);
    await made.save();
    expect(made.due(Date.now() + 2100)).toBe(false);
    expect(api.saveDraft).toHaveBeenCalledTimes(2);
  });

  it("of a server that is away does not make it wait", async () => {
    const { made } = keeper(() => Promise.reject(new Unreachable("away")));
    made.type("title", "t");
    await made.save();
    expect(made.due(Date.now())).toBe(true);
  });

  it("of the version or of a field that was not sent blames no text", async () => {
    const { made } = keeper(() => Promise.reject(refused(422, { field: "version" })));
    made.type("title", "t");
    await made.save();
    expect(made.state).toBe("local");
    expect(made.rejected.size).toBe(0);
  });
});

describe("typing", () => {
  it("while the browser's copy is dropped is not called saved", async () => {
    let version = 1;
    const { made, api, drop } = keeper(async (_, __, fields) => draft((version += 1), { title: field(fields.title as string) }));
    made.type("title", "a");
    drop.mockImplementationOnce(async () => made.type("title", "ab"));
    expect(await made.save()).toBe(true);
    expect(api.saveDraft.mock.calls.map((call) => call[2])).toEqual([{ title: "a" }, { title: "ab" }]);
    expect(drop).toHaveBeenCalledTimes(2);
    expect(made.state).toBe("saved");
  });
});

describe("deciding on a suggestion", () => {
  const offer = (value: string, status: "filled" | "offered" = "filled"): Field => ({
    value: status === "filled" ? value : null,
    origin: status === "filled" ? "suggested" : "empty",
    suggestion: { value, label: value, confidence: 0.9, evidence: [], status, options: [] },
  });

  function deciding(saveDraft: (id: string, version: number, fields: Record<string, unknown>) => Promise<Draft>) {
    const api = {
      saveDraft: vi.fn(saveDraft),
      decideSuggestion: vi.fn(async () => draft(9, { address: field("a", "accepted") })),
      acceptAll: vi.fn(async () => draft(9, { address: field("a", "accepted") })),
    };
    return { api, made: new DraftKeeper(draft(1, { address: offer("a") }), { api: api as never, copy, changed: () => undefined }) };
  }

  it("says which draft was seen", async () => {
    const { made, api } = deciding(async () => draft(2, { address: offer("a"), title: field("t") }));
    made.type("title", "t");
    expect(await made.decide("address", "accept")).toBe("done");
    expect(api.decideSuggestion).toHaveBeenCalledExactlyOnceWith("d", "address", "accept", 2);
    expect(await made.acceptAll()).toBe("done");
    expect(api.acceptAll).toHaveBeenCalledExactlyOnceWith("d", 9);
  });

  it("asks nothing while what was typed is not saved", async () => {
    const { made, api } = deciding(() => Promise.reject(new Unreachable("away")));
    made.type("title", "t");
    expect(await made.decide("address", "accept")).toBe("unsaved");
    expect(await made.acceptAll()).toBe("unsaved");
    expect(api.decideSuggestion).not.toHaveBeenCalled();
    expect(api.acceptAll).not.toHaveBeenCalled();
  });

  it("asks nothing when the save brought another suggestion than was shown", async () => {
    const { made, api } = deciding(async () => draft(2, { address: offer("b"), title: field("t") }));
    made.type("title", "t");
    expect(await made.decide("address", "accept")).toBe("changed");
    expect(api.decideSuggestion).not.toHaveBeenCalled();
  });

  it("shows what is suggested by now when the server knows better", async () => {
    const { made, api } = deciding(async () => draft(2));
    api.decideSuggestion.mockRejectedValueOnce(refused(409, { current: draft(5, { address: offer("c") }) }));
    expect(await made.decide("address", "accept")).toBe("changed");
    expect(made.editing.draft.fields.address?.value).toBe("c");
  });

  it("keeps a text that was typed over the suggestion until the acceptance is through", async () => {
    const { made, api } = deciding(() => Promise.reject(new Unreachable("away")));
    made.type("address", "mine");
    made.type("title", "t");
    expect(await made.decide("address", "accept")).toBe("unsaved");
    expect(made.editing.edits.address?.value).toBe("mine");
    api.saveDraft.mockImplementation(async () => draft(2, { address: offer("a"), title: field("t") }));
    expect(await made.decide("address", "accept")).toBe("done");
    expect(made.editing.edits.address).toBeUndefined();
  });
});

describe("the browser's copies", () => {
  it("are read by the person who typed them and by nobody else, and are there when that person is back", async () => {
    await copy.keep("d", { title: { value: "t", base: null } });
    await copy.belongTo("2", KEY.replaceAll("1", "2"));
    expect(await copy.kept("d")).toBeNull();
    expect(await copy.all()).toEqual([]);
    await copy.belongTo("1", KEY);
    expect(await copy.kept("d")).toEqual({ title: { value: "t", base: null } });
    expect(await copy.all()).toEqual(["d"]);
    await copy.belongTo("1", KEY.replaceAll("1", "3"));
    await expect(copy.kept("d")).rejects.toThrow();
  });

  it("hold what was kept last", async () => {
    await Promise.all(["a", "ab", "abc"].map((value) => copy.keep("d", { title: { value, base: null } })));
    expect((await copy.kept("d"))?.title?.value).toBe("abc");
  });
});
