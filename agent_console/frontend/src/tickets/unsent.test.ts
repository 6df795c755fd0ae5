import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { HttpError, Unreachable } from "../http/client";
import type { Draft } from "../wire";
import * as copy from "./local_copy";
import { DraftKeeper } from "./saving";
import { GATHER_AGAIN_MS, UnsentDrafts } from "./unsent";

const draft = (id: string, version = 1, title: string | null = null): Draft => ({
  id,
  call_id: `call of ${id}`,
  version,
  updated_at: "",
  status: "open",
  fields: { title: { value: title, origin: title === null ? "empty" : "typed", suggestion: null } },
  missing: [],
});

/** A server that may be away. */
function office() {
  const server = { away: true, opens: (id: string): Draft => draft(id), texts: new Map<string, unknown>(), desk: null as string | null };
  const api = {
    saveDraft: async (id: string, version: number, fields: { title?: unknown }) => {
      if (server.away) throw new Unreachable("away");
      server.texts.set(id, fields.title);
      return draft(id, version + 1, fields.title as string);
    },
    decideSuggestion: vi.fn(),
    acceptAll: vi.fn(),
  };
  const keeperOf = (given: Draft): DraftKeeper => new DraftKeeper(given, { api: api as never, copy, changed: () => undefined });
  const unsent = new UnsentDrafts({
    draft: async (id) => {
      if (server.away) throw new Unreachable("away");
      return server.opens(id);
    },
    copy,
    keeper: async (given) => {
      const made = keeperOf(given);
      await made.restore();
      return made;
    },
    onDesk: () => server.desk,
    changed: () => undefined,
  });
  return { server, unsent, keeperOf };
}

beforeEach(async () => {
  await copy.belongTo("1", "11".repeat(32));
  for (const id of await copy.all()) await copy.drop(id);
});

describe("drafts that left the desk", () => {
  it("are all tried until the server has their texts", async () => {
    const { server, unsent, keeperOf } = office();
    for (const id of ["a", "b"]) {
      const keeper = keeperOf(draft(id));
      keeper.type("title", `title ${id}`);
      unsent.put(keeper);
    }
    await unsent.saveAll();
    expect([...unsent.keepers.keys()]).toEqual(["a", "b"]);
    server.away = false;
    unsent.retry(Date.now());
    await vi.waitFor(() => expect(unsent.keepers.size).toBe(0));
    expect([...server.texts.entries()]).toEqual([
      ["a", "title a"],
      ["b", "title b"],
    ]);
    expect(await copy.all()).toEqual([]);
  });

  it("come back to the desk with what was typed", async () => {
    const { unsent, keeperOf } = office();
    const keeper = keeperOf(draft("a"));
    keeper.type("title", "t");
    unsent.put(keeper);
    expect(unsent.take("a")).toBe(keeper);
    expect(unsent.take("a")).toBeNull();
  });

  it("with nothing to send are not kept", () => {
    const { unsent, keeperOf } = office();
    unsent.put(keeperOf(draft("a")));
    expect(unsent.keepers.size).toBe(0);
  });
});

describe("what an earlier page left", () => {
  beforeEach(() => copy.keep("old", { title: { value: "left", base: null } }));

  it("is sent as soon as the server is there, without anybody opening it", async () => {
    const { server, unsent } = office();
    await unsent.gather();
    expect(unsent.keepers.size).toBe(0);
    server.away = false;
    await unsent.gather();
    await vi.waitFor(() => expect(server.texts.get("old")).toBe("left"));
    await vi.waitFor(async () => expect(await copy.all()).toEqual([]));
  });

  it("is asked for again while the page stands, whatever else can be opened", async () => {
    const { server, unsent } = office();
    await copy.keep("sick", { title: { value: "later", base: null } });
    let sick = true;
    server.away = false;
    server.opens = (id) => {
      if (sick && id === "sick") throw new HttpError(500, { error: "internal", detail: "" });
      return draft(id);
    };
    await unsent.gather();
    await vi.waitFor(() => expect([...server.texts.keys()]).toEqual(["old"]));
    sick = false;
    unsent.retry(Date.now());
    expect(server.texts.size).toBe(1);
    unsent.retry(Date.now() + GATHER_AGAIN_MS);
    await vi.waitFor(() => expect(server.texts.get("sick")).toBe("later"));
  });

  it("is left to the desk when the desk has that draft", async () => {
    const { server, unsent } = office();
    Object.assign(server, { away: false, desk: "old" });
    await unsent.gather();
    expect(server.texts.size).toBe(0);
  });

  it("of a draft that is somebody else's by now is shown until this person drops it", async () => {
    const { server, unsent } = office();
    server.away = false;
    server.opens = () => {
      throw new HttpError(403, { error: "forbidden", detail: "" });
    };
    await unsent.gather();
    expect(unsent.stranded.get("old")?.edits).toEqual({ title: { value: "left", base: null } });
    expect(await copy.all()).toEqual(["old"]);
    await unsent.discard("old");
    expect(unsent.stranded.size).toBe(0);
    expect(await copy.all()).toEqual([]);
  });
});
