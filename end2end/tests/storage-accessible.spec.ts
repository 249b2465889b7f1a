// Moving and forwarding for everyone: axe on every state, the keyboard alone, and nothing offered that cannot be done.

import { expectAccessible, scan } from "../support/accessible.ts";
import { addAccount, addProvider, addVault, signIn, unique } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { tabTo } from "../support/keyboard.ts";
import { expect, startVault, test } from "../support/vault.ts";

test.beforeEach(({ page }) => page.emulateMedia({ reducedMotion: "reduce" }));

test("recordings are moved with the keyboard alone", async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  // Nothing can be written there: the move waits, and says why.
  const other = await addProvider(page, vault, unique("zzz-nowhere"), "/proc/nowhere");
  await store(vault.url, account, { file: fileName("Attic"), device: "attic", directory: "x", body: await recordingFixture() });
  await page.goto("/providers");
  const opener = page.getByRole("link", { name: `Move recordings of ${account.provider}` });
  const dialog = page.locator("dialog:modal");
  await expect(async () => {
    await opener.focus();
    await page.keyboard.press("Enter");
    await expect(dialog).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(dialog.getByRole("heading", { name: "Move recordings" })).toBeFocused();
  await expect(dialog.getByRole("button", { name: "Move recordings" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(opener, "the focus goes back").toBeFocused();

  await page.keyboard.press("Enter");
  const to = dialog.getByLabel("Move to");
  await tabTo(page, to);
  await page.keyboard.type(other);
  await expect(to.locator("option:checked")).toHaveText(other);
  await tabTo(page, dialog.getByRole("button", { name: "Move recordings" }));
  await page.keyboard.press("Enter");

  const progress = page.getByRole("region", { name: `Move from ${account.provider} to ${other}` });
  await expect(progress).toContainText("0 of 1 recordings");
  await expect(progress.getByText("Moving", { exact: true })).toBeVisible();
  await expect(progress.getByRole("progressbar", { name: `${account.provider} to ${other}` })).toBeVisible();
  await expect(progress, "why it does not go on").toContainText("The recording cannot be stored");
  await scan(page);

  const pause = progress.getByRole("button", { name: "Pause" });
  await tabTo(page, pause);
  await page.waitForResponse(/list_moves/);
  await expect(pause, "reading the panel again must not take the focus away").toBeFocused();
  await page.keyboard.press("Enter");
  await expect(progress.getByText("Paused", { exact: true })).toBeVisible();
  await scan(page);
  await tabTo(page, progress.getByRole("button", { name: "Stop here" }));
  await page.keyboard.press("Enter");
  await expect(progress.getByText("Stopped", { exact: true })).toBeVisible();
  await expect(progress.getByRole("button")).toHaveCount(0);
  await scan(page);
});

test("recordings are forwarded with the keyboard alone", async ({ page, vault }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const other = await addVault(page, vault, unique("zzz-vault"));
  const camera = unique("Lift");
  const file = fileName(camera);
  await store(vault.url, account, { file, device: camera, directory: "x", body: await recordingFixture() });
  const list = `/media?camera=${camera}`;
  await page.goto(list);
  const opener = page.getByRole("button", { name: "Forward selected" });
  const dialog = page.locator("dialog:modal");
  await expect(opener, "the page lives: nothing is ticked yet").toBeDisabled();
  await tabTo(page, page.getByRole("checkbox", { name: `Select ${file}` }));
  await page.keyboard.press("Space");
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(dialog).toContainText("Forward this recording.");
  await expect(dialog.getByRole("heading", { name: "Forward recordings" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(page).toHaveURL(list);
  await expect(opener, "the focus goes back").toBeFocused();

  await page.keyboard.press("Enter");
  const to = dialog.getByLabel("To", { exact: true });
  await tabTo(page, to);
  await page.keyboard.type(other);
  await expect(to.locator("option:checked")).toHaveText(other);
  await scan(page);
  await tabTo(page, dialog.getByRole("button", { name: "Forward" }));
  await page.keyboard.press("Enter");
  await expect(page.getByText("Queued for the other vault.")).toBeVisible();
  await page.goto("/deliveries");
  await expect(page.getByRole("row").filter({ hasText: file }).filter({ hasText: other })).toHaveCount(1);
});

test("what cannot be done is not offered, and says what to add", { tag: "@plain" }, async ({ page, javaScriptEnabled }) => {
  const vault = await startVault();
  const url = (path: string) => vault.url + path;
  try {
    await signIn(page, vault);
    const provider = await page.goto(url("/providers")).then(() => page.getByRole("link", { name: /^Move recordings of/ }).getAttribute("href"));
    const account = await addAccount(page, vault, { provider: (await page.getByRole("row").nth(1).getByRole("link").first().textContent())! });
    await store(vault.url, account, { file: fileName("Far"), device: "far", directory: "x", body: await recordingFixture() });
    for (const [address, heading, link, to] of [
      [provider!, "Move recordings", "Add a storage provider", "/providers/new"],
      ["/media/forward?id=1", "Forward recordings", "Add an integration Kerberos Vault", "/integrations/new/vault"],
      ["/media/forward?id=all", "Forward recordings", "Add an integration Kerberos Vault", "/integrations/new/vault"],
      ["/media/forward", "Forward recordings", "Add an integration Kerberos Vault", "/integrations/new/vault"],
    ] as const) {
      const dialog = page.getByRole("dialog", { name: heading });
      if (javaScriptEnabled) await expectAccessible(page, url(address));
      else await page.goto(url(address));
      await expect(dialog.getByRole("link", { name: link })).toHaveAttribute("href", to);
      await expect(dialog.getByRole("link", { name: "Cancel" })).toBeVisible();
      await expect(dialog.getByRole("button"), address).toHaveCount(0);
    }
    await page.goto(url("/media/delete"));
    await expect(page.getByRole("dialog")).toContainText("No recording is selected.");
    await expect(page.getByRole("dialog").getByRole("button")).toHaveCount(0);
  } finally {
    await vault.stop();
  }
});
