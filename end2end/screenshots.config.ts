// For `npm run screenshots`.

import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: ".",
  testMatch: "screenshots.ts",
  timeout: 300_000,
  workers: 1,
  projects: [{ name: "pictures" }],
};
