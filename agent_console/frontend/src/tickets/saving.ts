/** Carries one draft between the form, the server and the browser's own copy. Knows no component and no store. */
import type { api as Api } from "../http/api";
import { HttpError } from "../http/client";
import type { Draft, FieldName, FieldValue } from "../wire";
import {
  begin,
  type Conflict,
  conflicts,
  type Edits,
  type Editing,
  forgetEdit,
  receive,
  saved,
  sending,
  settle,
  suggestedAnew,
  toSend,
  type,
  unsaved,
} from "./editing";
import type * as LocalCopy from "./local_copy";

/** `local`: typed here and not on the server, whatever the reason; it is tried again. `rejected`: a text must be mended. */
export type SaveState = "saved" | "dirty" | "saving" | "local" | "conflict" | "rejected";

/** `unsaved`: what was typed before is not on the server, so nothing was asked. `changed`: it is not what was shown. */
export type Decided = "done" | "unsaved" | "changed";

export interface DraftKeeperOptions {
  api: Pick<typeof Api, "saveDraft" | "decideSuggestion" | "acceptAll">;
  copy: Pick<typeof LocalCopy, "keep" | "kept" | "drop">;
  changed: () => void;
}

const MOST_ROUNDS = 20;
/** A server that said no is asked again, ever more rarely. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 30_000;

export class DraftKeeper {
  editing: Editing;
  state: SaveState = "saved";
  savedAt: number | null = null;
  /** Texts that the server will not take as they are; they hold nothing else back. */
  readonly rejected = new Map<FieldName, FieldValue>();
  /** Why the last attempt failed, while the state is `local`. */
  refusal: unknown = null;
  restored = false;
  private running: Promise<boolean> | null = null;
  private pauseMs = 0;
  private triedAt = 0;

  constructor(
    draft: Draft,
    private readonly options: DraftKeeperOptions,
  ) {
    this.editing = begin(draft);
  }

  /** Where another person wrote something else; nothing is sent until it is decided. */
  get conflicts(): Conflict[] {
    return conflicts(this.editing);
  }

  get unsaved(): boolean {
    return unsaved(this.editing);
  }

  /** Whether it is time to save by itself. */
  due(now: number): boolean {
    return this.state === "dirty" || (this.state === "local" && now >= this.triedAt + this.pauseMs);
  }

  /** Bring back what an earlier page typed and could not save. */
  async restore(): Promise<void> {
    const edits = await this.options.copy.kept(this.editing.draft.id).catch(() => null);
    if (edits === null || Object.keys(edits).length === 0) return;
    this.editing = receive(begin(this.editing.draft, { ...edits, ...this.editing.edits }), this.editing.draft);
    this.restored = this.unsaved;
    this.set(this.conflicts.length > 0 ? "conflict" : "dirty");
  }

  receive(draft: Draft): void {
    this.editing = receive(this.editing, draft);
    if (this.conflicts.length > 0) this.state = "conflict";
    else if (this.state === "conflict") this.state = "dirty";
    this.options.changed();
  }

  type(name: FieldName, value: FieldValue): void {
    this.editing = type(this.editing, name, value);
    this.keepCopy();
    this.set(this.conflicts.length > 0 ? "conflict" : "dirty");
  }

  /** True when everything typed is on the server. Safe to call at any time; one save runs at once. */
  save(): Promise<boolean> {
    this.running ??= this.saveAll().finally(() => (this.running = null));
    return this.running;
  }

  async decide(name: FieldName, action: "accept" | "dismiss" | "undo"): Promise<Decided> {
    const before = this.editing;
    if (action === "accept") this.editing = forgetEdit(this.editing, name);
    const result = await this.decided(
      () => suggestedAnew(before, this.editing).includes(name),
      (id, version) => this.options.api.decideSuggestion(id, name, action, version),
    ).catch((error: unknown) => {
      this.putBack(name, before.edits);
      throw error;
    });
    if (result !== "done") this.putBack(name, before.edits);
    return result;
  }

  /** Every suggestion that fills a field, as it is shown now. */
  acceptAll(): Promise<Decided> {
    const before = this.editing;
    const origin = (name: FieldName): string | undefined => this.editing.draft.fields[name]?.origin;
    return this.decided(
      () => suggestedAnew(before, this.editing).some((name) => origin(name) === "suggested"),
      (id, version) => this.options.api.acceptAll(id, version),
    );
  }

  async resolve(choices: ReadonlyMap<FieldName, "mine" | "theirs">): Promise<void> {
    for (const conflict of this.conflicts) {
      this.editing = settle(this.editing, conflict, choices.get(conflict.field) ?? "mine");
    }
    this.keepCopy();
    this.set("dirty");
    await this.save();
  }

  /** The person does without what is not on the server. */
  async discard(): Promise<void> {
    this.editing = begin(this.editing.draft);
    this.set("dirty");
    await this.save();
  }

  private async decided(anew: () => boolean, ask: (id: string, version: number) => Promise<Draft>): Promise<Decided> {
    if (!(await this.save())) return "unsaved";
    if (anew()) return "changed";
    const { id, version } = this.editing.draft;
    try {
      this.receive(await ask(id, version));
      return "done";
    } catch (error) {
      if (!(error instanceof HttpError) || error.body.current === undefined) throw error;
      this.receive(error.body.current);
      return "changed";
    }
  }

  private putBack(name: FieldName, edits: Edits): void {
    const mine = edits[name];
    if (mine === undefined || this.editing.edits[name] !== undefined) return;
    this.editing = receive(begin(this.editing.draft, { ...this.editing.edits, [name]: mine }), this.editing.draft);
    this.keepCopy();
    if (this.state === "saved") this.set("dirty");
  }

  private async saveAll(): Promise<boolean> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      if (this.conflicts.length > 0) {
        this.set("conflict");
        return false;
      }
      if (!this.unsaved) {
        if (await this.done()) return true;
        continue;
      }
      const sent = this.sendable();
      if (Object.keys(sent).length === 0) {
        this.set("rejected");
        return false;
      }
      const { id, version } = this.editing.draft;
      this.editing = sending(this.editing, sent);
      this.set("saving");
      try {
        this.editing = saved(this.editing, sent, await this.options.api.saveDraft(id, version, sent));
        this.pauseMs = 0;
        this.keepCopy();
      } catch (error) {
        if (!this.mend(error, sent)) return false;
      }
    }
    this.set("dirty");
    return false;
  }

  /** False when something was typed while the browser's copy was being dropped. */
  private async done(): Promise<boolean> {
    this.rejected.clear();
    this.refusal = null;
    if (this.state === "saved") return true;
    await this.options.copy.drop(this.editing.draft.id).catch(() => undefined);
    if (this.unsaved) return false;
    this.savedAt = Date.now();
    this.restored = false;
    this.set("saved");
    return true;
  }

  /** True when it is worth trying again at once. */
  private mend(error: unknown, sent: Partial<Record<FieldName, FieldValue>>): boolean {
    if (error instanceof HttpError && error.body.current !== undefined) {
      this.receive(error.body.current);
      return true;
    }
    const field = error instanceof HttpError ? (error.body.field?.split(".").at(-1) as FieldName | undefined) : undefined;
    if (error instanceof HttpError && error.status < 500 && field !== undefined && field in sent) {
      this.rejected.set(field, sent[field] ?? null);
      return true;
    }
    const answered = error instanceof HttpError && error.status < 500;
    this.pauseMs = answered ? Math.min(LONGEST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * this.pauseMs)) : 0;
    this.triedAt = Date.now();
    this.refusal = error;
    this.set("local");
    return false;
  }

  private sendable(): Partial<Record<FieldName, FieldValue>> {
    const all = toSend(this.editing);
    for (const [name, value] of this.rejected) if (all[name] === value) delete all[name];
    return all;
  }

  private keepCopy(): void {
    if (this.unsaved) void this.options.copy.keep(this.editing.draft.id, this.editing.edits).catch(() => undefined);
  }

  private set(state: SaveState): void {
    this.state = state;
    this.options.changed();
  }
}
