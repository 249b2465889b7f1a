import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineConfig } from "@playwright/test";
import { EXPECTATION, TEST } from "./support/limits.ts";

/** The system's browser where there is one, else the one that Playwright installs. */
function systemChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = ["chromium", "google-chrome"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return process.env.CHROMIUM ?? candidates.find((file) => existsSync(file));
}

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  reporter: [["list"]],
  forbidOnly: !!process.env.CI,
  timeout: TEST,
  expect: { timeout: EXPECTATION },
  // Each worker has a vault of its own, see support/vault.ts.
  workers: 2,
  use: {
    colorScheme: "light",
    locale: "en-GB",
    timezoneId: "UTC",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: systemChromium(),
      args: [
        "--no-sandbox", // containers have no user namespaces
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "hydrated" },
    // What must work before, or without, WebAssembly: tests tagged @plain run here too.
    { name: "without JavaScript", grep: /@plain/, use: { javaScriptEnabled: false } },
  ],
});
