import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "e2e",
  outputDir: "../build/ui/results",
  workers: 1, // the tests share a platform and two cores
  timeout: 180_000, // bounds on a busy machine, never measures
  expect: { timeout: 20_000 },
  retries: 1, // what passes only then is told as flaky
  reporter: [["list"], ["./e2e/summary.ts"]],
  use: {
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    },
  },
  projects: [
    { name: "e2e", testMatch: "*.spec.ts" },
    { name: "bench", testMatch: "*.bench.ts" },
    { name: "screenshots", testMatch: "*.shots.ts" },
    { name: "docs", testMatch: "*.docs.ts" },
  ],
});
