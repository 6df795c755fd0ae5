/** All rows of a list, page by page, into a file. */
import { ref } from "vue";
import { type Cell, csv, download } from "../../csv";
import type { Listing } from "../../http/api";
import { notice } from "../../notices";
import type { Page } from "../../wire";
import { words } from "../../words/zh-CN";

const PAGE = 100;
/** What a person still reads; more is a report's business. */
export const MOST_ROWS = 2000;

export interface Table<T> {
  name: string;
  head: readonly string[];
  row: (item: T) => readonly Cell[];
}

export async function everything<T>(ask: (listing: Listing) => Promise<Page<T>>, sort?: string): Promise<{ items: T[]; total: number }> {
  const items: T[] = [];
  for (let page = 1; ; page += 1) {
    const answer = await ask({ page, size: PAGE, sort });
    items.push(...answer.items);
    if (answer.items.length < PAGE || items.length >= Math.min(answer.total, MOST_ROWS)) return { items, total: answer.total };
  }
}

export function useExport() {
  const exporting = ref(false);

  async function save<T>(table: Table<T>, ask: (listing: Listing) => Promise<Page<T>>, sort?: string): Promise<void> {
    if (exporting.value) return;
    exporting.value = true;
    try {
      const { items, total } = await everything(ask, sort);
      download(table.name, csv(table.head, items.map(table.row)));
      if (items.length < total) notice.warn(words.exporting.cut(items.length, total));
      else notice.done(words.exporting.done(items.length));
    } catch (error) {
      notice.fail(words.exporting.failed, error);
    } finally {
      exporting.value = false;
    }
  }

  return { exporting, save };
}
