/** A call about a ticket that there is: placed from the ticket, shown beside the call, and no new ticket by itself. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { api } from "../http/api";
import { notice } from "../notices";
import { words } from "../words/zh-CN";
import { useLive } from "./live";
import { usePhone } from "./phone";

export interface AboutTicket {
  id: string;
  ticket_no: string;
  title: string | null;
}

/** Survives a reload in mid-call. */
const KEY = "hotline.call_about";

interface Kept {
  callId: string;
  ticket: AboutTicket;
}

function remembered(): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

export const useAbout = defineStore("about", () => {
  const live = useLive();
  const phone = usePhone();
  const current = shallowRef<Kept | null>(remembered());
  const busy = ref(false);

  const callId = computed(() => phone.call?.callId ?? live.me?.call ?? null);
  /** What is being dialled just now: the stream may tell of the call before the order is answered. */
  const asked = shallowRef<AboutTicket | null>(null);
  const isAbout = (id: string | null): boolean => id !== null && (asked.value !== null || current.value?.callId === id);
  /** The call on the desk is about this ticket. */
  const onDesk = computed(() => (isAbout(callId.value) ? (asked.value ?? current.value?.ticket ?? null) : null));
  const canDial = computed(
    () => !busy.value && callId.value === null && (live.agent?.status === "ready" || live.agent?.status === "paused") && live.isLive,
  );

  async function dial(ticket: AboutTicket): Promise<boolean> {
    if (!canDial.value) return false;
    busy.value = true;
    asked.value = ticket;
    try {
      const placed = await api.callAboutTicket(ticket.id);
      current.value = { callId: placed.call_id, ticket };
      sessionStorage.setItem(KEY, JSON.stringify(current.value));
      if (placed.outcome === "unknown") notice.warn(words.about.unknown);
      return true;
    } catch (error) {
      notice.fail(words.about.failedDial, error);
      return false;
    } finally {
      busy.value = false;
      asked.value = null;
    }
  }

  return { current, busy, onDesk, isAbout, canDial, dial };
});
