/** What is written about one matter at a centre, until the server has it: also while its entry is still being read, while
 * the server is away, and when the desk has gone on to something else. */
import { HttpError } from "../http/client";
import type { Handoff } from "../wire_calls";

/** `failed`: it is tried again by itself. `refused`: the same again would be refused again. */
export type Saving = "saved" | "dirty" | "saving" | "failed" | "refused";
export type Written = { receipt?: string; summary?: string };

export interface Ledger {
  read: (id: string) => Promise<Handoff>;
  change: (id: string, version: number, change: Written) => Promise<Handoff>;
}

export const SAVE_AFTER_MS = 700;
export const AGAIN_AFTER_MS = 3000;

/** The server has read it and does not want it. */
const refused = (error: unknown): boolean => error instanceof HttpError && [403, 404, 422].includes(error.status);

export class Pen {
  entry: Handoff | null = null;
  /** Replaced with every letter, never changed in place: the store watches it. */
  written: Written = {};
  saving: Saving = "saved";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private going: Promise<boolean> | null = null;

  constructor(
    readonly id: string,
    private readonly ledger: Ledger,
  ) {}

  get unsaved(): Written {
    const found: Written = {};
    for (const name of ["receipt", "summary"] as const) {
      const text = this.written[name];
      if (text !== undefined && text !== this.entry?.[name]) found[name] = text;
    }
    return found;
  }

  get clean(): boolean {
    return Object.keys(this.unsaved).length === 0;
  }

  /** What was written before the entry was there is saved as soon as it is. */
  async load(): Promise<void> {
    const found = await this.ledger.read(this.id).catch(() => null);
    if (found === null) return;
    const first = this.entry === null;
    this.take(found);
    if (first && !this.clean) this.soon(SAVE_AFTER_MS);
  }

  take(given: Handoff): void {
    if (this.entry === null || given.version >= this.entry.version) this.entry = given;
  }

  write(name: keyof Written, text: string): void {
    this.written = { ...this.written, [name]: text };
    if (this.saving !== "saving") this.saving = "dirty";
    this.soon(SAVE_AFTER_MS);
  }

  /** True when the server has everything that is written by now. */
  async save(): Promise<boolean> {
    clearTimeout(this.timer);
    while (this.going !== null) await this.going;
    if (this.entry === null && !this.clean) await this.load();
    clearTimeout(this.timer);
    if (this.clean) {
      this.saving = "saved";
      return true;
    }
    if (this.entry === null) {
      this.saving = "failed";
      this.soon(AGAIN_AFTER_MS);
      return false;
    }
    this.going = this.send(this.entry);
    const done = await this.going;
    this.going = null;
    return done && (this.clean || this.save());
  }

  private async send(entry: Handoff): Promise<boolean> {
    this.saving = "saving";
    try {
      this.take(await this.changed(entry, this.unsaved));
      this.saving = this.clean ? "saved" : "dirty";
      return true;
    } catch (error) {
      this.saving = refused(error) ? "refused" : "failed";
      if (this.saving === "failed") this.soon(AGAIN_AFTER_MS);
      return false;
    }
  }

  /** The steps of the ledger raise the version while one writes: ours is put on top of what the server has now. */
  private async changed(entry: Handoff, change: Written): Promise<Handoff> {
    try {
      return await this.ledger.change(entry.id, entry.version, change);
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 409) throw error;
      const current = await this.ledger.read(entry.id);
      return this.ledger.change(entry.id, current.version, change);
    }
  }

  private soon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), ms);
  }
}
