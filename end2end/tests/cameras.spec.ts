// Anyone can send a heartbeat, so a camera is believed only once it has uploaded with an account's keys.

import { addAccount, signIn, unique } from "../support/admin.ts";
import { fileName, heartbeat, recordingFixture, store } from "../support/agent.ts";
import { expect, test } from "../support/vault.ts";

test("a heartbeat makes a camera appear, an upload makes it believed", { tag: "@plain" }, async ({ page, vault }) => {
  const [key, name] = [unique("key"), unique("Gate")];
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  await page.goto("/cameras");
  // Its name may change: what an upload proves counts more than what a heartbeat says.
  const row = page.getByRole("row", { name: key });
  await expect(page.getByRole("heading", { name: "Cameras", level: 1 })).toBeVisible();
  await expect(row).toHaveCount(0);

  await heartbeat(vault.url, { key, name, version: "3.5.1", hostname: "agent-7" });
  await page.getByRole("link", { name: "Refresh" }).click();
  await expect(row.getByText("Online", { exact: true })).toBeVisible();
  await expect(row.getByText("Unverified", { exact: true })).toBeVisible();
  for (const told of [name, "3.5.1", "agent-7", "never"]) await expect(row).toContainText(told);

  await store(vault.url, account, { file: fileName("Gate"), device: key, directory: "gate", body: await recordingFixture() });
  await page.getByRole("link", { name: "Refresh" }).click();
  await expect(row.getByText("Verified", { exact: true })).toBeVisible();
  await expect(row).toContainText(account.name);
  await expect(row).not.toContainText("never");
});

test("a camera that is forgotten comes back when it reports in", { tag: "@plain" }, async ({ page, vault }) => {
  // A key may hold anything.
  const [key, name] = [unique("a/b?c=d&é "), unique("Roof")];
  await heartbeat(vault.url, { key, name });
  await signIn(page, vault);
  await page.goto("/cameras");
  const row = page.getByRole("row", { name });
  await row.getByRole("link", { name: `Delete ${name}` }).click();
  const question = page.getByRole("dialog", { name: "Delete camera" });
  await expect(question).toContainText(key);
  await question.getByRole("button", { name: "Delete camera" }).click();
  await expect(page.getByText("Camera removed from the list.")).toBeVisible();
  await expect(row).toHaveCount(0);

  await heartbeat(vault.url, { key, name });
  await page.getByRole("link", { name: "Refresh" }).click();
  await expect(row).toHaveCount(1);
});

test("a camera leads to its recordings", { tag: "@plain" }, async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const body = await recordingFixture();
  const [here, elsewhere] = [unique("here"), unique("elsewhere")];
  for (const device of [here, elsewhere]) {
    await store(vault.url, account, { file: fileName(device), device, directory: "x", body });
  }
  await page.goto("/cameras");
  await page.getByRole("row", { name: here }).getByRole("link").first().click();
  await expect(page).toHaveURL(/\/media\?camera=/);
  await expect(page.getByRole("row", { name: here })).toHaveCount(1);
  await expect(page.getByRole("row", { name: elsewhere })).toHaveCount(0);
});
