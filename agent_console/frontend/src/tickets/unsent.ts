/** Drafts that left the desk, or an earlier page, with text that is not on the server: each is tried until it is. */
import { HttpError } from "../http/client";
import type { Draft } from "../wire";
import type { Edits } from "./editing";
import type * as LocalCopy from "./local_copy";
import type { DraftKeeper } from "./saving";

export interface UnsentOptions {
  draft: (id: string) => Promise<Draft>;
  copy: Pick<typeof LocalCopy, "all" | "kept" | "drop">;
  /** A keeper of this draft, with what this browser kept of it. */
  keeper: (draft: Draft) => Promise<DraftKeeper>;
  /** The draft that the desk itself takes care of. */
  onDesk: () => string | null;
  changed: () => void;
}

/** Of a draft that this person may not open (any more): its text is shown, and stays until the person drops it. */
export interface Stranded {
  id: string;
  edits: Edits;
}

export const GATHER_AGAIN_MS = 15_000;

export class UnsentDrafts {
  readonly keepers = new Map<string, DraftKeeper>();
  readonly stranded = new Map<string, Stranded>();
  private gathering: Promise<void> | null = null;
  /** When what could not be opened is tried again; null: all of it is known. */
  private gatherAt: number | null = null;

  constructor(private readonly options: UnsentOptions) {}

  /** From the desk: saved at once if that is possible, and kept here until it is. */
  put(keeper: DraftKeeper): void {
    if (!keeper.unsaved) return;
    this.keepers.set(keeper.editing.draft.id, keeper);
    this.options.changed();
    void this.save(keeper);
  }

  /** Back to the desk, with all that was typed. */
  take(id: string): DraftKeeper | null {
    const found = this.keepers.get(id) ?? null;
    this.stranded.delete(id);
    this.keepers.delete(id);
    this.options.changed();
    return found;
  }

  retry(now: number): void {
    if (this.gatherAt !== null && now >= this.gatherAt) void this.gather();
    for (const keeper of this.keepers.values()) if (keeper.due(now)) void this.save(keeper);
  }

  async saveAll(): Promise<void> {
    await Promise.all([...this.keepers.values()].map((keeper) => this.save(keeper)));
  }

  /** What earlier pages of this person left in this browser. */
  gather(): Promise<void> {
    this.gathering ??= this.gatherAll().finally(() => (this.gathering = null));
    return this.gathering;
  }

  /** The person does without it. */
  async discard(id: string): Promise<void> {
    await this.keepers.get(id)?.discard();
    await this.options.copy.drop(id).catch(() => undefined);
    this.keepers.delete(id);
    this.stranded.delete(id);
    this.options.changed();
  }

  private async gatherAll(): Promise<void> {
    this.gatherAt = null;
    const known = (id: string): boolean => id === this.options.onDesk() || this.keepers.has(id) || this.stranded.has(id);
    for (const id of await this.options.copy.all().catch(() => [])) {
      if (known(id)) continue;
      try {
        const keeper = await this.options.keeper(await this.options.draft(id));
        if (!known(id)) this.put(keeper);
      } catch (error) {
        if (!(error instanceof HttpError) || (error.status !== 403 && error.status !== 404)) {
          this.gatherAt = Date.now() + GATHER_AGAIN_MS;
          continue;
        }
        const edits = await this.options.copy.kept(id).catch(() => null);
        if (edits !== null) this.stranded.set(id, { id, edits });
        this.options.changed();
      }
    }
  }

  private async save(keeper: DraftKeeper): Promise<void> {
    const id = keeper.editing.draft.id;
    if ((await keeper.save()) && this.keepers.get(id) === keeper) {
      this.keepers.delete(id);
      this.options.changed();
    }
  }
}
