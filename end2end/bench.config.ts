// For `make bench`, which starts the vault and passes its address.

import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: "bench",
  timeout: 300_000,
  workers: 1,
  projects: [{ name: "loads" }],
};
