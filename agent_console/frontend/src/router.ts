/** Two places: signing in, and the desk. The desk is fetched only by those who are signed in. */
import { createRouter, createWebHashHistory } from "vue-router";
import SignInPage from "./shell/SignInPage.vue";
import { useSession } from "./stores/session";

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: "/sign-in", component: SignInPage },
    { path: "/", component: () => import("./shell/ConsoleShell.vue") },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

let asked = false;

router.beforeEach(async (to) => {
  const session = useSession();
  if (!asked && session.session === null) {
    asked = true;
    await session.load().catch(() => false); // unreachable: the sign-in page says so when it is tried
  }
  const signedIn = session.session !== null;
  if (!signedIn && to.path !== "/sign-in") return "/sign-in";
  if (signedIn && to.path === "/sign-in") return "/";
  return true;
});
