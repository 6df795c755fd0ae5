/** The operator's shift: sign in and out, status, wrap-up. Orders go by HTTP; what became of them comes by the live stream. */
import { defineStore } from "pinia";
import { ref } from "vue";
import { api } from "../http/api";
import { notice } from "../notices";
import type { PauseReason, StatusAnswer } from "../wire";
import type { SeatChoice } from "../wire_desk";
import { words } from "../words/zh-CN";
import { usePhone } from "./phone";
import { useSession } from "./session";

/** The seat one chose last, in this browser. */
const SEAT = "hotline.seat";

export const useShift = defineStore("shift", () => {
  const phone = usePhone();
  const session = useSession();
  const busy = ref(false);
  const seats = ref<SeatChoice[]>([]);
  const seat = ref<string | null>(null);
  /** Where one may sit is not known: the server did not answer. */
  const seatsFailed = ref(false);

  async function guarded(failure: string, act: () => Promise<void>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      await act();
      return true;
    } catch (error) {
      notice.fail(failure, error);
      return false;
    } finally {
      busy.value = false;
    }
  }

  /** A click starts this: it opens the microphone, which also lets the page ring. */
  function signIn(): Promise<boolean> {
    return guarded(words.shift.signInFailed, async () => {
      const wanted = seats.value.find((each) => each.seat === seat.value) ?? null;
      if (wanted === null && session.user?.seat === null) {
        notice.warn(words.seats.chooseFirst);
        return;
      }
      const byDeskPhone = wanted?.kind === "desk_phone";
      if (!byDeskPhone && !(await phone.openMicrophone())) return;
      if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
      const { sip } = await api.shiftSignIn(wanted === null || wanted.own ? null : wanted.seat);
      if (sip !== null) phone.register(sip);
    });
  }

  /** Where one may sit. Who has but one seat is asked nothing. */
  async function loadSeats(): Promise<void> {
    seatsFailed.value = false;
    try {
      seats.value = await api.seats();
      const kept = seats.value.find((each) => each.seat === localStorage.getItem(SEAT) && each.taken_by === null);
      seat.value = (kept ?? seats.value.find((each) => each.own))?.seat ?? null;
    } catch {
      seats.value = [];
      seat.value = null;
      seatsFailed.value = true;
    }
  }

  function sitAt(chosen: string): void {
    seat.value = chosen;
    localStorage.setItem(SEAT, chosen);
  }

  /** After a reload in mid-shift: the server still has us signed in, this page has no phone. */
  function resume(): Promise<boolean> {
    return guarded(words.shift.resumeFailed, async () => {
      const { sip } = await api.shiftSignIn(null);
      if (sip === null) return;
      await phone.openMicrophone();
      phone.register(sip);
    });
  }

  function signOut(): Promise<boolean> {
    return guarded(words.shift.signOutFailed, async () => {
      await api.shiftSignOut();
      phone.signOff();
    });
  }

  function setStatus(status: "ready" | "paused", reason: PauseReason | null): Promise<boolean> {
    return guarded(words.picker.failed, async () => {
      tell(await api.shiftStatus(status, reason));
    });
  }

  /** End the wrap-up. A pause that is chosen while one lasts only counts from its end, hence the two orders. */
  function finishWrapUp(status: "ready" | "paused"): Promise<boolean> {
    if (status === "ready") return setStatus("ready", null);
    return guarded(words.picker.failed, async () => {
      await api.shiftStatus("paused", "busy");
      tell(await api.finishWrapUp());
    });
  }

  /** Anything but "done" means that nobody knows yet; the top bar will show it. */
  function tell(answer: StatusAnswer): void {
    if (answer.outcome !== "done") notice.warn(words.picker.unknown);
  }

  function extendWrapUp(): Promise<boolean> {
    return guarded(words.wrap.extendFailed, async () => {
      await api.extendWrapUp(60);
    });
  }

  return { busy, seats, seat, seatsFailed, loadSeats, sitAt, signIn, resume, signOut, setStatus, finishWrapUp, extendWrapUp };
});
