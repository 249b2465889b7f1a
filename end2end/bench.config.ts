// For `make bench`, which starts the vault and passes its address.

import config from "./playwright.config.ts";

export default {
  ...config,
  testDir: "bench",
  workers: 1,
  projects: [{ name: "loads" }],
};
