/** Signing in, and a desk for each role. The desks are fetched only by those who are signed in. */
import { createRouter, createWebHashHistory } from "vue-router";
import SignInPage from "./shell/SignInPage.vue";
import { useSession } from "./stores/session";

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: "/sign-in", component: SignInPage },
    {
      path: "/",
      component: () => import("./shell/ConsoleShell.vue"),
      children: [
        { path: "desk", component: () => import("./desks/operator/OperatorDesk.vue") },
        { path: "log", component: () => import("./desks/log/LogDesk.vue") },
        { path: "supervisor", component: () => import("./desks/supervisor/SupervisorDesk.vue") },
      ],
    },
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
  if (session.session === null) return to.path === "/sign-in" ? true : "/sign-in";
  const home = session.supervises ? "/supervisor" : "/desk";
  if (to.path === "/sign-in" || to.path === "/") return home;
  return to.path === "/supervisor" && !session.supervises ? "/desk" : true;
});
