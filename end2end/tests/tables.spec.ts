// Lists in windows of every width: nothing lies under a row's buttons, which stay in sight while the rest scrolls. And
// a list that is read again: what is ticked stays ticked.

import type { Page } from "@playwright/test";
import { everyAddress } from "../support/addresses.ts";
import { addAccount, addProvider, addWebhook, signIn, unique } from "../support/admin.ts";
import { fileName, heartbeat, recordingFixture, store } from "../support/agent.ts";
import { expect, test, type Vault } from "../support/vault.ts";

const WIDTHS = [360, 768, 1024, 1280, 1920, 3840];
const LISTS = ["/media", "/cameras", "/deliveries", "/providers", "/integrations", "/accounts"];

test("every list fits into every window", async ({ page, vault }) => {
  await signIn(page, vault);
  const { pages } = await everyAddress(page, vault);
  await longNames(page, vault);
  for (const address of pages) {
    await page.goto(address);
    await expect(page.getByText("Loading…")).toHaveCount(0);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const { rows, found } = await beneath(page);
      expect.soft(found, `${address} at ${width} px`).toEqual([]);
      if (LISTS.includes(address)) expect(rows, `${address} has rows`).toBeGreaterThan(0);
    }
  }
});

test("a tick stays with its recording when the list is read again", async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const body = await recordingFixture();
  const files = ["Barn", "Gate", "Yard"].map((name, i) => fileName(name, new Date(Date.now() - (i + 1) * 60_000)));
  const upload = (file: string) => store(vault.url, account, { file, device: "farm", directory: "x", body });
  for (const file of files) await upload(file);
  await page.goto(`/media?account=${account.name}`);
  const box = (file: string) => page.getByRole("checkbox", { name: `Select ${file}` });
  const forward = page.getByRole("button", { name: "Forward selected" });
  await expect(forward, "the page lives: nothing is ticked yet").toBeDisabled();
  await box(files[1]!).check();

  const newest = fileName("Roof");
  await upload(newest);
  await page.getByRole("link", { name: "Refresh" }).click();
  await expect(box(newest)).toBeVisible();
  for (const file of [newest, ...files]) await expect(box(file), file).toBeChecked({ checked: file === files[1] });
  await expect(page.getByText("1 selected")).toBeVisible();
  await expect(forward).toBeEnabled();

  await page.getByRole("button", { name: "Delete selected" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(box(files[1]!)).toHaveCount(0);
  for (const file of [newest, files[0]!, files[2]!]) await expect(box(file), file).not.toBeChecked();
  await expect(forward).toBeDisabled();
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

/** Text of the cells that reach under the buttons of their row, or out of the page; and of how many rows. */
function beneath(page: Page): Promise<{ rows: number; found: string[] }> {
  return page.evaluate(() => {
    const found: string[] = [];
    const rows = document.querySelectorAll("tbody tr");
    for (const row of rows) {
      const buttons = row.querySelector(".actions")?.getBoundingClientRect();
      for (const cell of row.querySelectorAll(":is(td, th):not(.actions)")) {
        const box = cell.getBoundingClientRect();
        const shown = box.width > 0 && box.height > 0;
        const covered = buttons && box.right > buttons.left + 1 && box.bottom > buttons.top + 1 && box.top < buttons.bottom - 1;
        if (shown && (covered || box.right > document.documentElement.clientWidth)) found.push(cell.textContent ?? "");
      }
    }
    return { rows: rows.length, found };
  });
}
