import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const platform = process.env.QUORATE_URL ?? "http://127.0.0.1:8080";
const toPlatform = Object.fromEntries(["/api", "/objects", "/healthz"].map((path) => [path, { target: platform }]));

// The platform sends this policy with the page; `vite preview` sends it too, so that tests meet it either way.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

export default defineConfig({
  plugins: [react()],
  server: { proxy: toPlatform },
  preview: { proxy: toPlatform, headers: { "Content-Security-Policy": policy } },
  build: {
    outDir: "../shared/page/dist",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    cssTarget: ["chrome123", "firefox121", "safari17.5"], // older ones make Vite rewrite light-dark()
    assetsInlineLimit: 0, // inlined assets would need `data:` in the policy
    modulePreload: { polyfill: false }, // it would be an inline script
  },
});
