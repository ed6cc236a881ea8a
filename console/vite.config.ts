import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The server replaces `__NONCE__` in index.html for every reply, so that the policy needs no `unsafe-inline`; for the same reason nothing
// is inlined as a data: address. `npm run dev` serves the console with hot reload and asks a running server for everything else.
const server = process.env.CONSOLE_DEV_SERVER ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  html: { cspNonce: "__NONCE__" },
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022" },
  server: {
    proxy: Object.fromEntries(
      ["/console/api", "/dev/inbox", "/docs", "/openapi"].map((path) => [path, { target: server }]),
    ),
  },
});
