// The whole story in one go: from an empty vault to a recording that was watched, saved and deleted.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Locator } from "@playwright/test";
import { fileName, recordingFixture, upload } from "../support/agent.ts";
import { unique } from "../support/admin.ts";
import { expect, test } from "../support/vault.ts";

test("from signing in to a recording that was played, saved and deleted", async ({ page, vault }) => {
  const provider = unique("archive");
  const account = unique("warehouse");
  const folder = join(vault.directory, "archive");
  const inTheWay = join(vault.directory, "a-file");
  await writeFile(inTheWay, "not a folder");

  await test.step("sign in", async () => {
    await page.goto("/");
    await expect(page).toHaveURL(/\/sign-in/);
    await page.getByLabel("User name").fill(vault.admin.username);
    await page.getByLabel("Password", { exact: true }).fill(vault.admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  });

  await test.step("add a storage provider; Validate tells what is wrong, then that it works", async () => {
    await page.getByRole("link", { name: "Storage providers" }).click();
    await page.getByRole("link", { name: "Add storage provider" }).first().click();
    await page.getByRole("dialog").getByRole("link", { name: "Filesystem" }).click();
    const dialog = page.getByRole("dialog", { name: "Add Filesystem storage provider" });
    await dialog.getByLabel("Name").fill(provider);
    await dialog.getByLabel("Folder").fill(join(inTheWay, "recordings"));
    await dialog.getByRole("button", { name: "Validate" }).click();

    const report = dialog.getByTestId("report");
    await expect(report.getByRole("heading", { name: "Validation failed at “folder”" })).toBeVisible();
    await expect(report).toHaveAttribute("data-tone", "bad");
    await expect(report).toContainText("permission is missing or a file is in the way");
    await expect(report).toContainText(/Try: \S+/);

    await dialog.getByLabel("Folder").fill(folder);
    await dialog.getByRole("button", { name: "Validate" }).click();
    await expect(report.getByRole("heading", { name: "Validation passed" })).toBeVisible();
    await expect(report).toHaveAttribute("data-tone", "good");
    await expect(report.getByRole("listitem").filter({ hasText: "write" })).toContainText("passed");

    await dialog.getByRole("button", { name: "Add storage provider" }).click();
    await expect(page.getByRole("row", { name: provider })).toContainText(folder);
  });

  const keys = await test.step("add an account with keys that were made for it", async () => {
    await page.getByRole("link", { name: "Accounts" }).click();
    await page.getByRole("link", { name: "Add account" }).first().click();
    const dialog = page.getByRole("dialog", { name: "Add account" });
    await dialog.getByLabel("Account name").fill(account);
    await dialog.getByLabel("Main provider").selectOption(provider);
    await dialog.getByLabel("Directory", { exact: true }).fill("warehouse");

    const accessKey = dialog.getByLabel("Access key", { exact: true });
    const first = await accessKey.inputValue();
    await dialog.getByRole("button", { name: "Generate keys" }).click();
    await expect(accessKey).not.toHaveValue(first);
    const made = {
      accessKey: await accessKey.inputValue(),
      secretKey: await dialog.getByLabel("Secret key", { exact: true }).inputValue(),
    };
    await dialog.getByRole("button", { name: "Add account" }).click();

    const settings = page.getByRole("dialog", { name: "Agent settings" });
    await expect(settings).toContainText(made.accessKey);
    await expect(settings).toContainText(made.secretKey);
    await settings.getByRole("link", { name: "Done" }).click();
    await expect(page.getByRole("row", { name: account })).toContainText(provider);
    return made;
  });

  const body = await recordingFixture();
  const file = fileName("LoadingDock");
  await test.step("an agent uploads with these keys", async () => {
    const recording = { file, device: "loading-dock-1", directory: "ignored", body };
    const refused = await upload(vault.url, { ...keys, secretKey: `${keys.secretKey}x` }, recording);
    expect(refused.status).toBe(401);
    const { status, text } = await upload(vault.url, keys, recording);
    expect(status, text).toBe(200);
    expect(await readFile(join(folder, "warehouse", file))).toEqual(body);
  });

  const row = page.getByRole("row", { name: file });
  await test.step("Media lists it", async () => {
    await page.getByRole("link", { name: "Media" }).click();
    await expect(row).toContainText(account);
    await expect(row).toContainText(provider);
    await expect(row).toContainText("LoadingDock");
    await expect(row).toContainText("12.0 s");
  });

  await test.step("it plays, and goes on from where one jumps to", async () => {
    const asked = page.waitForResponse((answer) => answer.request().resourceType() === "media");
    await row.getByRole("link", { name: `Play ${file}` }).click();
    const dialog = page.getByRole("dialog", { name: "Recording" });
    const video = dialog.locator("video");
    await expect.poll(() => currentTime(video)).toBeGreaterThan(0.3);
    // The player asks for ranges: only what answers them can be seeked in.
    expect((await asked).status()).toBe(206);

    await video.evaluate((v: HTMLVideoElement) => (v.currentTime = 8));
    await expect.poll(() => currentTime(video)).toBeGreaterThan(8.3);
    const middle = await page.request.get((await asked).url(), { headers: { range: "bytes=1000-1999" } });
    expect(middle.status()).toBe(206);
    expect(await middle.body()).toEqual(body.subarray(1000, 2000));
    expect(await video.evaluate((v: HTMLVideoElement) => v.videoWidth)).toBe(640);
    await expect(dialog).toContainText("warehouse/" + file);
  });

  await test.step("it is saved as it was sent", async () => {
    const saving = page.waitForEvent("download");
    await page.getByRole("dialog").getByRole("link", { name: "Download" }).click();
    const saved = await saving;
    expect(saved.suggestedFilename()).toBe(file);
    expect(await readFile(await saved.path())).toEqual(body);
  });

  await test.step("it is deleted, after asking", async () => {
    await page.getByRole("dialog").getByRole("link", { name: "Delete" }).click();
    const question = page.getByRole("dialog", { name: "Delete recordings" });
    await expect(question).toContainText(file);
    await question.getByRole("link", { name: "Cancel" }).click();
    await expect(row).toBeVisible();

    await row.getByRole("link", { name: `Delete ${file}` }).click();
    await question.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("status").getByText("Deleted.")).toBeVisible();
    await expect(row).toHaveCount(0);
    await expect(readFile(join(folder, "warehouse", file))).rejects.toThrow("ENOENT");
  });

  await test.step("sign out closes the door", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL(/\/sign-in/);
    await page.goto("/media");
    await expect(page).toHaveURL(/\/sign-in\?next=%2Fmedia/);
    await expect(page.getByRole("heading", { name: "Media" })).toHaveCount(0);
  });
});

const currentTime = (video: Locator) => video.evaluate((v: HTMLVideoElement) => v.currentTime);
