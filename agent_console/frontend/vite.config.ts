import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

/** During development the page comes from Vite and everything else from the server (or from dev/mock.mjs). */
const server = process.env.HOTLINE_SERVER ?? "http://127.0.0.1:12345";

/** Sent in the live hello and shown by window.__hotline. The build hook gives the digest of the sources. */
const build = process.env.HOTLINE_CONSOLE_BUILD ?? "dev";

export default defineConfig({
  base: "./",
  plugins: [vue()],
  define: { __BUILD__: JSON.stringify(build) },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "phone", test: /node_modules[\\/](jssip|sdp-transform|events|debug)/ },
            { name: "widgets", test: /node_modules[\\/](element-plus|@element-plus|@floating-ui|async-validator|dayjs|lodash)/ },
            { name: "vue", test: /node_modules[\\/](@vue|vue|pinia|vue-router)/ },
          ],
        },
      },
    },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: server, ws: true }, "/healthz": server },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.ts"] },
});
