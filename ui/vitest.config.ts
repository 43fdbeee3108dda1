import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    environment: "happy-dom",
    isolate: false, // a new document for each file took five times as long as all tests
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    testTimeout: 60_000, // a bound on a busy machine, never a measure
    reporters: ["default", "./summary.ts"],
  },
});
