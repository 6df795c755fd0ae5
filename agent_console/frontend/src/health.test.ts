import { describe, expect, it } from "vitest";
import { type Known, lights } from "./health";
import type { MeData } from "./wire";

const me = (more: Partial<MeData["links"]> = {}): MeData => ({
  agent: null,
  call: null,
  links: {
    switch: { state: "live", reason: "" },
    speech: { state: "ok", reason: "", engine: "vosk" },
    database: { state: "ok", reason: "" },
    ...more,
  },
  today: { answered: 0, handle_s: null },
  alerts: [],
  callbacks: { open: 0, overdue: 0 },
});

const states = (known: Partial<Known>): Record<string, string> =>
  Object.fromEntries(
    lights({ link: "live", attempt: 0, phone: "registered", me: me(), ...known }).map((light) => [light.name, light.state]),
  );

describe("the lights", () => {
  it("are all well when all is well", () => {
    expect(states({})).toEqual({ data: "ok", phone: "ok", speech: "ok", switch: "ok" });
  });

  it("do not claim to know what lies behind a cut stream", () => {
    expect(states({ link: "waiting", attempt: 2 })).toEqual({ data: "down", phone: "ok", speech: "unknown", switch: "unknown" });
  });

  it("stay down while a lost stream is being tried again, and are busy on the first try", () => {
    expect(states({ link: "connecting", attempt: 3 }).data).toBe("down");
    expect(states({ link: "connecting", attempt: 0 }).data).toBe("busy");
  });

  it("say that a refused or lost phone is down", () => {
    expect(states({ phone: "refused" }).phone).toBe("down");
    expect(states({ phone: "lost" }).phone).toBe("down");
    expect(states({ phone: "off" }).phone).toBe("off");
  });

  it.each([
    ["syncing", "busy"],
    ["down", "down"],
    ["something new", "down"],
  ])("show a switch that is %s as %s", (state, light) => {
    expect(states({ me: me({ switch: { state, reason: "" } }) }).switch).toBe(light);
  });

  it("carry the server's reason", () => {
    const found = lights({ link: "live", attempt: 0, phone: "off", me: me({ speech: { state: "down", reason: "no model", engine: "" } }) });
    expect(found[2]).toEqual({ name: "speech", state: "down", detail: "no model" });
  });
});
