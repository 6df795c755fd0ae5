/** fetch with the server's conventions: CSRF header, Idempotency-Key on every POST, one error shape, honest retries. */
import type { ErrorBody } from "../wire";

export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
  ) {
    super(body.error);
  }
}

/** No answer: the server, or the way to it, is down. What was asked may or may not have happened. */
export class Unreachable extends Error {}

export interface HttpClientOptions {
  base?: string;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
  timeoutMs?: number;
}

export type Query = Record<string, string | number | boolean | null | undefined>;

const RETRY_DELAYS_MS = [300, 1200];
const RETRY_STATUSES = new Set([502, 503, 504]);

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class HttpClient {
  csrf = "";
  /** The session is over (401 on anything but the sign-in itself). */
  onSessionEnded: () => void = () => {};
  private readonly base: string;
  private readonly options: HttpClientOptions;

  constructor(options: HttpClientOptions = {}) {
    this.options = options;
    this.base = options.base ?? "api/v1";
  }

  get<T>(path: string, query: Query = {}): Promise<T> {
    const given = Object.entries(query).filter((pair) => pair[1] !== undefined && pair[1] !== null && pair[1] !== "");
    const text = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
    return this.ask<T>("GET", text === "" ? path : `${path}?${text}`, undefined, true);
  }

  /** Safe to repeat: every attempt carries the same Idempotency-Key. */
  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.ask<T>("POST", path, body, true);
  }

  /** Never repeated here: the version in the body decides, and its owner knows what a conflict means. */
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.ask<T>("PATCH", path, body, false);
  }

  /** The whole thing as it is to be: safe to repeat. */
  put<T>(path: string, body: unknown): Promise<T> {
    return this.ask<T>("PUT", path, body, true);
  }

  delete(path: string): Promise<void> {
    return this.ask<void>("DELETE", path, undefined, true);
  }

  /** Of something that the browser itself fetches. */
  address(path: string): string {
    return this.base + path;
  }

  private async ask<T>(method: string, path: string, body: unknown, repeat: boolean): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET" && this.csrf !== "") headers["X-CSRF-Token"] = this.csrf;
    if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
    const request: RequestInit = {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    const delays = repeat ? RETRY_DELAYS_MS : [];
    for (let attempt = 0; ; attempt += 1) {
      const delay = delays[attempt];
      let response: Response;
      try {
        response = await this.fetchOnce(path, request);
      } catch (error) {
        if (delay === undefined) throw new Unreachable(String(error));
        await (this.options.sleep ?? pause)(delay);
        continue;
      }
      if (RETRY_STATUSES.has(response.status) && delay !== undefined) {
        await (this.options.sleep ?? pause)(delay);
        continue;
      }
      return this.read<T>(response, path);
    }
  }

  private fetchOnce(path: string, request: RequestInit): Promise<Response> {
    const signal = AbortSignal.timeout(this.options.timeoutMs ?? 10_000);
    return (this.options.fetch ?? fetch)(`${this.base}${path}`, { ...request, signal });
  }

  private async read<T>(response: Response, path: string): Promise<T> {
    if (response.status === 204) return undefined as T;
    let body: unknown = null;
    try {
      body = await response.json();
    } catch {
      if (response.ok) throw new Unreachable("the answer was cut short");
    }
    if (response.ok) return body as T;
    if (response.status === 401 && path !== "/session") this.onSessionEnded();
    throw new HttpError(response.status, errorBody(body, response.status));
  }
}

function errorBody(body: unknown, status: number): ErrorBody {
  if (typeof body === "object" && body !== null && typeof (body as ErrorBody).error === "string") return body as ErrorBody;
  return { error: `http_${status}`, detail: "" };
}
