/** The announcement that callers hear when too many call at once: what the wall says of it, and turning it on and off. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api } from "../http/api";
import { notice } from "../notices";
import { words } from "../words/zh-CN";
import { useLive } from "./live";

export const useSurge = defineStore("surge", () => {
  const live = useLive();
  const busy = ref(false);
  const current = computed(() => live.wall?.surge ?? null);

  /** What becomes of it comes by the live stream. */
  async function turn(on: boolean, reason: string, minutes: number | null): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      await api.setSurge(on, reason, minutes);
      return true;
    } catch (error) {
      notice.fail(words.surge.failed, error);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, current, turn };
});
