// For `npm run screenshots`.

import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: ".",
  testMatch: "screenshots.ts",
  workers: 1,
  projects: [{ name: "pictures" }],
};
