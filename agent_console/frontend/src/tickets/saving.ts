/** Carries one draft between the form, the server and the browser's own copy. Knows no component and no store. */
import type { api as Api } from "../http/api";
import { HttpError, Unreachable } from "../http/client";
import type { Draft, FieldName, FieldValue } from "../wire";
import { begin, type Conflict, type Editing, forgetEdit, rebase, receive, saved, settle, toSend, type, unsaved } from "./editing";
import type * as LocalCopy from "./local_copy";

export type SaveState = "saved" | "dirty" | "saving" | "local" | "conflict" | "rejected";

export interface DraftKeeperOptions {
  api: Pick<typeof Api, "saveDraft" | "decideSuggestion" | "acceptAll">;
  copy: Pick<typeof LocalCopy, "keep" | "kept" | "drop">;
  changed: () => void;
}

const MOST_ROUNDS = 20;

export class DraftKeeper {
  editing: Editing;
  state: SaveState = "saved";
  savedAt: number | null = null;
  conflicts: Conflict[] = [];
  /** Texts that the server will not take as they are; they hold nothing else back. */
  readonly rejected = new Map<FieldName, FieldValue>();
  restored = false;
  private running: Promise<boolean> | null = null;

  constructor(
    draft: Draft,
    private readonly options: DraftKeeperOptions,
  ) {
    this.editing = begin(draft);
  }

  /** Bring back what an earlier page typed and could not save. */
  async restore(): Promise<void> {
    const edits = await this.options.copy.kept(this.editing.draft.id).catch(() => null);
    if (edits === null || Object.keys(edits).length === 0) return;
    this.editing = begin(this.editing.draft, { ...edits, ...this.editing.edits });
    this.restored = true;
    this.set("dirty");
  }

  receive(draft: Draft): void {
    this.editing = receive(this.editing, draft);
    this.options.changed();
  }

  type(name: FieldName, value: FieldValue): void {
    this.editing = type(this.editing, name, value);
    void this.options.copy.keep(this.editing.draft.id, this.editing.edits).catch(() => undefined);
    if (this.state !== "conflict") this.set("dirty");
    else this.options.changed();
  }

  /** True when everything typed is on the server. Safe to call at any time; one save runs at once. */
  save(): Promise<boolean> {
    this.running ??= this.saveAll().finally(() => (this.running = null));
    return this.running;
  }

  async decide(name: FieldName, action: "accept" | "dismiss" | "undo"): Promise<void> {
    await this.save();
    const draft = await this.options.api.decideSuggestion(this.editing.draft.id, name, action);
    if (action === "accept") this.editing = forgetEdit(this.editing, name);
    this.receive(draft);
  }

  async acceptAll(): Promise<void> {
    await this.save();
    this.receive(await this.options.api.acceptAll(this.editing.draft.id));
  }

  async resolve(choices: ReadonlyMap<FieldName, "mine" | "theirs">): Promise<void> {
    for (const conflict of this.conflicts) {
      this.editing = settle(this.editing, conflict, choices.get(conflict.field) ?? "mine");
    }
    this.conflicts = [];
    this.set(unsaved(this.editing) ? "dirty" : "saved");
    await this.save();
  }

  private async saveAll(): Promise<boolean> {
    if (this.conflicts.length > 0) return false;
    for (let round = 0; unsaved(this.editing); round += 1) {
      const sent = this.sendable();
      if (Object.keys(sent).length === 0) {
        this.set("rejected");
        return false;
      }
      const { id, version } = this.editing.draft;
      this.set("saving");
      try {
        this.editing = saved(this.editing, sent, await this.options.api.saveDraft(id, version, sent));
      } catch (error) {
        if (!this.mend(error) || round >= MOST_ROUNDS) return false;
      }
    }
    this.rejected.clear();
    if (this.state !== "saved") {
      this.savedAt = Date.now();
      this.restored = false;
      await this.options.copy.drop(this.editing.draft.id).catch(() => undefined);
      this.set("saved");
    }
    return true;
  }

  /** True when it is worth trying again at once. */
  private mend(error: unknown): boolean {
    if (error instanceof HttpError && error.status === 409 && error.body.current !== undefined) {
      const { editing, conflicts } = rebase(this.editing, error.body.current);
      this.editing = editing;
      this.conflicts = conflicts;
      if (conflicts.length > 0) this.set("conflict");
      return conflicts.length === 0;
    }
    if (error instanceof Unreachable || (error instanceof HttpError && error.status >= 500)) this.set("local");
    else if (error instanceof HttpError) return this.reject(error);
    else throw error;
    return false;
  }

  private reject(error: HttpError): boolean {
    const place = error.body.field?.split(".").at(-1) as FieldName | undefined;
    const edit = place === undefined ? undefined : this.editing.edits[place];
    if (place !== undefined && edit !== undefined && this.rejected.get(place) !== edit.value) {
      this.rejected.set(place, edit.value);
      return true;
    }
    this.set("rejected");
    return false;
  }

  private sendable(): Partial<Record<FieldName, FieldValue>> {
    const all = toSend(this.editing);
    for (const [name, value] of this.rejected) if (all[name] === value) delete all[name];
    return all;
  }

  private set(state: SaveState): void {
    this.state = state;
    this.options.changed();
  }
}
