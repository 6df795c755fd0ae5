/** Starts the console. */
import { createPinia } from "pinia";
import { createApp } from "vue";
import App from "./App.vue";
import { startClock } from "./clock";
import { router } from "./router";
import "./styles/element";
import "./styles/theme.css";

startClock();
createApp(App).use(createPinia()).use(router).mount("#app");
