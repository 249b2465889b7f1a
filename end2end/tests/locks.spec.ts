// A recording that is evidence is locked: nothing deletes it until somebody unlocks it.

import { scan } from "../support/accessible.ts";
import { addAccount, signIn } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, test } from "../support/vault.ts";

test("what is locked says why, stays, and goes once it is unlocked", { tag: "@plain" }, async ({ page, vault, javaScriptEnabled }) => {
  await signIn(page, vault);
  const account = await addAccount(page, vault);
  const file = fileName("Door");
  await store(vault.url, account, { file, device: "door", directory: "x", body: await recordingFixture() });
  const list = `/media?account=${account.name}`;
  await page.goto(list);
  await page.getByRole("link", { name: `Play ${file}` }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Lock" }).click();
  const question = page.getByRole("dialog", { name: "Lock recording" });
  await question.getByLabel("Reason").fill("Case 7, theft at the gate");
  await question.getByLabel("Unlock after").fill("2099-12-31");
  if (javaScriptEnabled) await scan(page);
  await question.getByRole("button", { name: "Lock" }).click();
  const recording = page.getByRole("dialog", { name: "Recording" });
  await expect(recording).toContainText("Locked: Case 7, theft at the gate");
  await recording.getByRole("link", { name: "Close" }).click();
  const row = page.getByRole("row").filter({ hasText: file });
  await expect(row).toContainText("Locked: Case 7, theft at the gate");

  await page.getByRole("link", { name: `Delete ${file}` }).click();
  const deleting = page.getByRole("dialog", { name: "Delete recordings" });
  await deleting.getByRole("button", { name: "Delete" }).click();
  await expect(deleting).toContainText("The recording is locked, and stays: Case 7, theft at the gate.");
  const answer = await fetch(`${vault.url}/api/storage`, {
    method: "DELETE",
    headers: {
      "X-Kerberos-Storage-AccessKey": account.accessKey,
      "X-Kerberos-Storage-SecretAccessKey": account.secretKey,
      "X-Kerberos-Storage-FileName": `x/${file}`,
    },
  });
  expect([answer.status, (await answer.json()).error]).toEqual([409, "storage_recording_locked"]);

  await page.goto(list);
  await page.getByRole("link", { name: `Play ${file}` }).click();
  await page.getByRole("dialog").getByRole("link", { name: "Lock" }).click();
  await expect(question).toContainText("Case 7, theft at the gate");
  await question.getByRole("button", { name: "Unlock" }).click();
  await expect(recording).toBeVisible();
  await expect(recording).not.toContainText("Case 7");
  await recording.getByRole("link", { name: "Delete" }).click();
  await deleting.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("Deleted.")).toBeVisible();
  await expect(row).toHaveCount(0);
});
