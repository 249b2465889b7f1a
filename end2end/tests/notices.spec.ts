// Notices: what an administrator must see stands above every page.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scan } from "../support/accessible.ts";
import { signIn } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, startVault, test } from "../support/vault.ts";

test("two providers of one folder are told above every page", { tag: "@plain" }, async ({ page, javaScriptEnabled }) => {
  const folder = await mkdtemp(join(tmpdir(), "kerberos-vault-notices-"));
  const provider = (name: string) => `[[provider]]\nname = "${name}"\nkind = "filesystem"\npath = "${folder}"\n`;
  const keys = { accessKey: "notices", secretKey: "only-for-the-notices" };
  const account = `[[account]]\nname = "site"\nprovider = "attic"\ndirectory = "*"\naccess_key = "${keys.accessKey}"\nsecret_key = "${keys.secretKey}"\n`;
  const toml = provider("attic") + provider("cellar") + account;
  let vault = await startVault({ toml });
  try {
    // A place is marked with its first recording, and every start looks who leads there.
    const body = await recordingFixture();
    await store(vault.url, keys, { file: fileName("Gate", new Date()), device: "gate", directory: "g", body });
    await vault.stop({ keep: true });
    vault = await startVault({ toml, directory: vault.directory });
    await signIn(page, vault);
    const notices = page.getByRole("region", { name: "What needs attention" });
    await expect(async () => {
      await page.goto(`${vault.url}/providers`);
      await expect(notices).toContainText(/attic.*cellar|cellar.*attic/, { timeout: 500 });
    }).toPass();
    for (const at of ["/", "/media", "/cameras", "/deliveries", "/integrations", "/accounts"]) {
      await page.goto(`${vault.url}${at}`);
      await expect(notices, at).toContainText("attic");
    }
    if (javaScriptEnabled) await scan(page);

    await page.setViewportSize({ width: 360, height: 740 });
    const text = await notices.locator("span").first().boundingBox();
    expect(text!.width, "on a phone the text has the room").toBeGreaterThan(200);
  } finally {
    await vault.stop();
    await rm(folder, { recursive: true });
  }
});
