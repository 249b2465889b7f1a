// Lists in windows of every width: nothing lies under a row's buttons, which stay in sight while the rest scrolls.

import type { Page } from "@playwright/test";
import { everyAddress } from "../support/addresses.ts";
import { addAccount, addProvider, addWebhook, signIn, unique } from "../support/admin.ts";
import { fileName, heartbeat, recordingFixture, store } from "../support/agent.ts";
import { expect, test, type Vault } from "../support/vault.ts";

const WIDTHS = [360, 768, 1024, 1280, 1920, 3840];

test("every list fits into every window", async ({ page, vault }) => {
  await signIn(page, vault);
  const { pages } = await everyAddress(page, vault);
  await longNames(page, vault);
  for (const address of pages) {
    await page.goto(address);
    await expect(page.getByText("Loading…")).toHaveCount(0);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      expect.soft(await beneath(page), `${address} at ${width} px`).toEqual([]);
    }
  }
});

/** One of everything, with names as long as people give them, and with nowhere to break a line. */
async function longNames(page: Page, vault: Vault): Promise<void> {
  const long = (what: string) => unique(`${what}ThatStandsBehindTheThirdWarehouseOnTheLeft`);
  const webhook = await addWebhook(page, vault, { name: long("Hook") });
  const provider = await addProvider(page, vault, long("Disk"));
  const [camera, directory] = [long("Camera"), long("Folder")];
  const account = await addAccount(page, vault, { name: long("Site"), provider, integrations: [webhook], directory });
  await store(vault.url, account, { file: fileName(camera), device: camera, directory, body: await recordingFixture() });
  await heartbeat(vault.url, { key: camera, name: camera, hostname: long("Host") });
}

/** Text of the cells that reach under the buttons of their row, or out of the page. */
function beneath(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    for (const row of document.querySelectorAll("tbody tr")) {
      const buttons = row.querySelector(".actions")?.getBoundingClientRect();
      for (const cell of row.querySelectorAll(":is(td, th):not(.actions)")) {
        const box = cell.getBoundingClientRect();
        const shown = box.width > 0 && box.height > 0;
        const covered = buttons && box.right > buttons.left + 1 && box.bottom > buttons.top + 1 && box.top < buttons.bottom - 1;
        if (shown && (covered || box.right > document.documentElement.clientWidth)) found.push(cell.textContent ?? "");
      }
    }
    return found;
  });
}
