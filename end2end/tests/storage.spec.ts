// Recordings that change their place: copies at a second provider, moving, forwarding.

import { addAccount, addProvider, signIn, unique } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, test } from "../support/vault.ts";

test("recordings are moved to another provider and can be played there", { tag: "@plain" }, async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const other = await addProvider(page, vault, unique("attic"));
  const camera = unique("Cellar");
  for (const _ of [1, 2]) {
    const file = fileName(`${camera}${unique("n")}`);
    await store(vault.url, account, { file, device: camera, directory: "moved", body: await recordingFixture() });
  }
  await page.goto("/providers");
  await page.getByRole("link", { name: `Move recordings of ${account.provider}` }).click();
  const dialog = page.getByRole("dialog", { name: "Move recordings" });
  await expect(dialog).toContainText("2 recordings");
  await expect(dialog).toContainText(`New recordings of ${account.name}`);
  await dialog.getByLabel("Move to").selectOption(other);
  await dialog.getByRole("button", { name: "Move recordings" }).click();

  const progress = page.getByRole("region", { name: `Move from ${account.provider} to ${other}` });
  await expect(async () => {
    if (test.info().project.name === "without JavaScript") await page.reload();
    await expect(progress).toContainText("2 of 2 recordings", { timeout: 3000 });
    await expect(progress.getByText("Moved", { exact: true })).toBeVisible({ timeout: 1000 });
  }).toPass();

  await page.goto(`/media?camera=${camera}`);
  await expect(page.getByRole("row", { name: camera }).filter({ hasText: other })).toHaveCount(2);
});

test("an account's recordings are copied to the secondary provider", { tag: "@plain" }, async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const second = await addProvider(page, vault, unique("second"));
  await page.goto(`/accounts/${account.id}`);
  await page.getByRole("group", { name: /Secondary providers/ }).getByLabel(second).check();
  await page.getByRole("button", { name: "Save", exact: true }).last().click();
  await expect(page.getByText("Account saved.")).toBeVisible();

  const camera = unique("Copied");
  const file = fileName(camera);
  await store(vault.url, account, { file, device: camera, directory: "copied", body: await recordingFixture() });
  await page.goto(`/media?camera=${camera}`);
  await page.getByRole("link", { name: file, exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(dialog.getByText(second)).toBeVisible({ timeout: 2000 });
  }).toPass();
});
