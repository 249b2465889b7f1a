// Playwright's `test` with a vault of the test's own, a receiver that it tells, and a line to it that can be cut.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base } from "@playwright/test";
import { type Cuts, type Line, startLine } from "../support/line.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { startVault, type Vault } from "../support/vault.ts";
import { declared } from "./camera.ts";

export interface Site {
  receiver: Receiver;
  /** The one that runs now. */
  vault: Vault;
  /** Kills the vault, and starts one on what it leaves; the lines lead there. */
  dies(): Promise<void>;
  line(cuts?: Cuts): Promise<Line>;
}

export const test = base.extend<{ site: Site }>({
  site: async ({}, use, told) => {
    const directory = await mkdtemp(join(tmpdir(), "kerberos-vault-clients-"));
    const receiver = await startReceiver();
    const toml = declared(receiver, directory);
    const lines: Line[] = [];
    const site: Site = {
      receiver,
      vault: await startVault({ directory, toml }),
      dies: async () => {
        await site.vault.kill();
        site.vault = await startVault({ directory, toml });
        for (const line of lines) line.target = site.vault.url;
      },
      line: async (cuts) => {
        const line = await startLine(site.vault.url, cuts);
        lines.push(line);
        return line;
      },
    };
    await use(site);
    if (told.status !== told.expectedStatus) await told.attach("log", { body: await site.vault.log(), contentType: "text/plain" });
    await Promise.all(lines.map((line) => line.stop()));
    await site.vault.stop({ keep: true });
    await receiver.stop();
    await rm(directory, { recursive: true, force: true });
  },
});

export { expect } from "@playwright/test";
