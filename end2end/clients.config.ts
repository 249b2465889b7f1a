// For `scripts/try-clients`: programs of others that upload in several requests, unchanged.

import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: "clients",
  projects: [{ name: "clients" }],
};
