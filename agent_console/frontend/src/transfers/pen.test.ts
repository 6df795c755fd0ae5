import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HttpError } from "../http/client";
import type { Handoff } from "../wire_calls";
import { AGAIN_AFTER_MS, type Ledger, Pen, SAVE_AFTER_MS, type Written } from "./pen";

const conflict = (): HttpError => new HttpError(409, { error: "version_conflict", detail: "" });
const invalid = (): HttpError => new HttpError(422, { error: "invalid", detail: "" });

/** A server with one entry; `fails` are thrown by the next changes, `away` by every read. */
class Server implements Ledger {
  row = { id: "h", version: 1, receipt: "", summary: "" } as Handoff;
  changes: [number, Written][] = [];
  fails: Error[] = [];
  away = false;

  read = async (): Promise<Handoff> => {
    if (this.away) throw new Error("away");
    return { ...this.row };
  };

  change = async (_: string, version: number, change: Written): Promise<Handoff> => {
    this.changes.push([version, change]);
    const failure = this.fails.shift();
    if (failure !== undefined) throw failure;
    if (version !== this.row.version) throw conflict();
    this.row = { ...this.row, ...change, version: version + 1 };
    return { ...this.row };
  };
}

const given_pen = (): [Pen, Server] => {
  const server = new Server();
  return [new Pen("h", server), server];
};

describe("what is written about a matter", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is saved a moment after the last letter", async () => {
    const [pen, server] = given_pen();
    await pen.load();
    pen.write("receipt", "J");
    pen.write("receipt", "JQ-1");
    expect(pen.saving).toBe("dirty");
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(server.changes).toEqual([[1, { receipt: "JQ-1" }]]);
    expect(pen.saving).toBe("saved");
  });

  it("before its entry was read, is saved once it is", async () => {
    const [pen, server] = given_pen();
    server.away = true;
    await pen.load();
    pen.write("summary", "smoke");
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(pen.saving).toBe("failed");
    server.away = false;
    await vi.advanceTimersByTimeAsync(AGAIN_AFTER_MS);
    expect(server.row.summary).toBe("smoke");
    expect(pen.saving).toBe("saved");
  });

  it("is tried again by itself until the server takes it, whoever looks", async () => {
    const [pen, server] = given_pen();
    await pen.load();
    server.fails = [new Error("away"), new Error("away")];
    pen.write("receipt", "JQ-1");
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS + AGAIN_AFTER_MS);
    expect(pen.saving).toBe("failed");
    await vi.advanceTimersByTimeAsync(AGAIN_AFTER_MS);
    expect(server.row.receipt).toBe("JQ-1");
  });

  it("goes on top of a ledger that moved on", async () => {
    const [pen, server] = given_pen();
    await pen.load();
    server.row = { ...server.row, version: 5 };
    pen.write("receipt", "JQ-1");
    expect(await pen.save()).toBe(true);
    expect(server.changes).toEqual([
      [1, { receipt: "JQ-1" }],
      [5, { receipt: "JQ-1" }],
    ]);
  });

  it("that the server will not have is not sent again until it is changed", async () => {
    const [pen, server] = given_pen();
    await pen.load();
    server.fails = [invalid()];
    pen.write("receipt", "x");
    await vi.advanceTimersByTimeAsync(10 * AGAIN_AFTER_MS);
    expect([pen.saving, server.changes.length]).toEqual(["refused", 1]);
    pen.write("receipt", "y");
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS);
    expect(server.row.receipt).toBe("y");
  });

  it("while another save is on its way, is saved after it; asked for, both are waited for", async () => {
    const [pen, server] = given_pen();
    await pen.load();
    let let_go = (): void => undefined;
    const change = server.change;
    server.change = async (...given) => {
      await new Promise<void>((done) => (let_go = done));
      return change(...given);
    };
    pen.write("receipt", "JQ");
    const first = pen.save();
    await vi.advanceTimersByTimeAsync(1);
    pen.write("receipt", "JQ-1");
    const both = pen.save();
    let_go();
    await vi.advanceTimersByTimeAsync(1);
    let_go();
    expect(await both).toBe(true);
    expect(await first).toBe(true);
    expect(server.changes.map((each) => each[1])).toEqual([{ receipt: "JQ" }, { receipt: "JQ-1" }]);
  });
});
