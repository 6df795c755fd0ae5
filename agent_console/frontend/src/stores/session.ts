/** Who is signed in to the console. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api, http } from "../http/api";
import { HttpError } from "../http/client";
import { nameQueues } from "../queue_names";
import { belongTo } from "../tickets/local_copy";
import type { Session } from "../wire";

/** Whether this browser was signed in: without it nobody need ask, and the answer would only be a 401. */
const FLAG = "hotline.signed_in";
/** Survives the reload by which the desk of a session that ended is cleared away. */
const ENDED = "hotline.session_ended";

export const useSession = defineStore("session", () => {
  const session = ref<Session | null>(null);
  /** True when a session ended by itself, so that the sign-in page can say so. */
  const expired = ref(sessionStorage.getItem(ENDED) !== null);
  const user = computed(() => session.value?.user ?? null);

  function forget(): void {
    session.value = null;
    http.csrf = "";
    localStorage.removeItem(FLAG);
  }

  /** Whose texts the browser's own copies are is settled before anything can open a draft. */
  async function take(given: Session): Promise<void> {
    await belongTo(String(given.user.id), given.local_key).catch(() => undefined);
    http.csrf = given.csrf;
    nameQueues(given.queues);
    session.value = given;
    localStorage.setItem(FLAG, "1");
    sessionStorage.removeItem(ENDED);
    expired.value = false;
  }

  /** Ask whether the browser still holds a session. False when not; throws when the server cannot be asked. */
  async function load(): Promise<boolean> {
    if (localStorage.getItem(FLAG) === null) return false;
    try {
      await take(await api.session());
      return true;
    } catch (error) {
      if (error instanceof HttpError && error.status === 401) {
        expired.value = true;
        forget();
        return false;
      }
      throw error;
    }
  }

  async function signIn(username: string, password: string): Promise<void> {
    await take(await api.signIn(username, password));
  }

  async function signOut(): Promise<void> {
    await api.signOut();
    forget();
  }

  function end(): void {
    if (session.value !== null) {
      expired.value = true;
      sessionStorage.setItem(ENDED, "1");
    }
    forget();
  }

  /** Has the wall of the shift for a first page, and takes calls beside it. */
  const supervises = computed(() => user.value?.role === "supervisor");
  const may = (action: string): boolean => session.value?.permissions.includes(action) ?? false;

  return { session, user, expired, load, signIn, signOut, end, may, supervises };
});
