import { describe, expect, it, vi } from "vitest";
import { HttpClient, HttpError, Unreachable } from "./client";

const json = (status: number, body: unknown): Response =>
  new Response(status === 204 ? null : JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

function client(...answers: (Response | Error)[]) {
  const asked: { url: string; request: RequestInit }[] = [];
  const fetcher = vi.fn(async (url: string, request: RequestInit) => {
    asked.push({ url, request });
    const answer = answers.shift() ?? new Error("no more answers");
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const made = new HttpClient({ fetch: fetcher as unknown as typeof fetch, sleep: async () => undefined });
  const header = (at: number, name: string): string | undefined => (asked[at]?.request.headers as Record<string, string>)[name];
  return { made, asked, header };
}

describe("a POST", () => {
  it("carries the CSRF token and an Idempotency-Key, the same one when it is repeated", async () => {
    const { made, asked, header } = client(new TypeError("network"), json(503, {}), json(200, { ok: 1 }));
    made.csrf = "token";
    await expect(made.post("/x", { a: 1 })).resolves.toEqual({ ok: 1 });
    expect(asked).toHaveLength(3);
    expect(header(0, "X-CSRF-Token")).toBe("token");
    expect(header(0, "Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set([0, 1, 2].map((at) => header(at, "Idempotency-Key"))).size).toBe(1);
  });

  it("has a key of its own each time", async () => {
    const { made, header } = client(json(204, null), json(204, null));
    await made.post("/x");
    await made.post("/x");
    expect(header(0, "Idempotency-Key")).not.toBe(header(1, "Idempotency-Key"));
  });

  it("is not repeated when the server said no", async () => {
    const { made, asked } = client(json(409, { error: "refused", detail: "no" }));
    await expect(made.post("/x")).rejects.toMatchObject({ status: 409, body: { error: "refused" } });
    expect(asked).toHaveLength(1);
  });
});

describe("any request", () => {
  it("that nobody answers is unreachable, after its repeats", async () => {
    const { made, asked } = client();
    await expect(made.get("/x")).rejects.toBeInstanceOf(Unreachable);
    expect(asked).toHaveLength(3);
  });

  it("by PATCH is asked once only", async () => {
    const { made, asked } = client();
    await expect(made.patch("/x", {})).rejects.toBeInstanceOf(Unreachable);
    expect(asked).toHaveLength(1);
  });

  it("leaves out empty query parameters", async () => {
    const { made, asked } = client(json(200, {}));
    await made.get("/x", { page: 1, q: "", missed: null, sort: undefined });
    expect(asked[0]?.url).toBe("api/v1/x?page=1");
  });

  it("gets one error shape even for a foreign error page", async () => {
    const { made } = client(new Response("<html>", { status: 500 }));
    await expect(made.patch("/x", {})).rejects.toMatchObject({ status: 500, body: { error: "http_500" } });
  });

  it("tells that the session ended, except for the sign-in itself", async () => {
    const { made } = client(json(401, { error: "not_signed_in" }), json(401, { error: "sign_in_refused" }));
    made.onSessionEnded = vi.fn();
    await expect(made.get("/tickets")).rejects.toBeInstanceOf(HttpError);
    expect(made.onSessionEnded).toHaveBeenCalledOnce();
    await expect(made.post("/session", {})).rejects.toBeInstanceOf(HttpError);
    expect(made.onSessionEnded).toHaveBeenCalledOnce();
  });
});
