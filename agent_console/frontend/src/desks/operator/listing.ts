/** One page of a list at a time: searching, sorting, paging, and the states in between. */
import { computed, reactive, ref, shallowRef } from "vue";
import { HttpError } from "../../http/client";
import type { Listing } from "../../http/api";
import type { Page } from "../../wire";

export type ListState = "loading" | "ready" | "failed" | "forbidden";

export interface Sort {
  by: string;
  down: boolean;
}

export function useListing<T>(ask: (listing: Listing, q: string) => Promise<Page<T>>, size: number, first: Sort | null = null) {
  const items = shallowRef<readonly T[]>([]);
  const total = ref(0);
  const page = ref(1);
  const state = ref<ListState>("loading");
  const q = ref("");
  const sort = ref<Sort | null>(first);
  const pages = computed(() => Math.max(1, Math.ceil(total.value / size)));
  let asked = 0;

  const sortText = (): string | undefined => (sort.value === null ? undefined : `${sort.value.down ? "-" : ""}${sort.value.by}`);

  async function reload(): Promise<void> {
    const mine = ++asked;
    if (state.value !== "ready") state.value = "loading";
    const by = sortText();
    try {
      const answer = await ask({ page: page.value, size, sort: by }, q.value);
      if (mine !== asked) return;
      items.value = answer.items;
      total.value = answer.total;
      state.value = "ready";
    } catch (error) {
      if (mine !== asked) return;
      state.value = error instanceof HttpError && error.status === 403 ? "forbidden" : "failed";
    }
  }

  function go(to: number): void {
    page.value = Math.min(Math.max(1, to), pages.value);
    void reload();
  }

  function sortBy(by: string): void {
    sort.value = { by, down: sort.value?.by === by ? !sort.value.down : true };
    go(1);
  }

  function search(text: string): void {
    q.value = text.trim();
    page.value = 1;
    void reload();
  }

  return reactive({ items, total, page, pages, state, q, sort, reload, go, sortBy, search, sortText });
}
