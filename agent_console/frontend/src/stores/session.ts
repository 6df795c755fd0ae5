/** Who is signed in to the console. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api, http } from "../http/api";
import { HttpError } from "../http/client";
import type { Session } from "../wire";

/** Whether this browser was signed in: without it nobody need ask, and the answer would only be a 401. */
const FLAG = "hotline.signed_in";

export const useSession = defineStore("session", () => {
  const session = ref<Session | null>(null);
  /** True when a session ended by itself, so that the sign-in page can say so. */
  const expired = ref(false);
  const user = computed(() => session.value?.user ?? null);

  function take(given: Session | null): void {
    session.value = given;
    http.csrf = given?.csrf ?? "";
    if (given === null) localStorage.removeItem(FLAG);
    else {
      localStorage.setItem(FLAG, "1");
      expired.value = false;
    }
  }

  /** Ask whether the browser still holds a session. False when not; throws when the server cannot be asked. */
  async function load(): Promise<boolean> {
    if (localStorage.getItem(FLAG) === null) return false;
    try {
      take(await api.session());
      return true;
    } catch (error) {
      if (error instanceof HttpError && error.status === 401) {
        take(null);
        return false;
      }
      throw error;
    }
  }

  async function signIn(username: string, password: string): Promise<void> {
    take(await api.signIn(username, password));
  }

  async function signOut(): Promise<void> {
    await api.signOut();
    take(null);
  }

  function end(): void {
    if (session.value !== null) expired.value = true;
    take(null);
  }

  const may = (action: string): boolean => session.value?.permissions.includes(action) ?? false;

  return { session, user, expired, load, signIn, signOut, end, may };
});
