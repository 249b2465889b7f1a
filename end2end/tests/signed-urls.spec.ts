// Whoever has a signed URL plays its recording without keys, until an administrator revokes all of the account.

import { addAccount, signIn, type Account } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, test, type Vault } from "../support/vault.ts";

/** As the Hub asks for one. */
async function signedUrl(vault: Vault, account: Account, key: string): Promise<string> {
  const headers = {
    "X-Kerberos-Storage-AccessKey": account.accessKey,
    "X-Kerberos-Storage-SecretAccessKey": account.secretKey,
    "Content-Type": "application/json",
  };
  const body = JSON.stringify([{ filename: key, uriExpiryTime: "1h" }]);
  const answer = await fetch(`${vault.url}/api/storage/bulk`, { method: "POST", headers, body });
  const { data } = (await answer.json()) as { data: string };
  return (JSON.parse(data) as Record<string, string>)[key];
}

const status = async (url: string) => (await fetch(url, { method: "HEAD" })).status;

test("an account's signed URLs are revoked after asking, and new ones work", { tag: "@plain" }, async ({ page, vault }) => {
  await signIn(page, vault);
  const accounts = [await addAccount(page, vault), await addAccount(page, vault)];
  const urls = [];
  const file = fileName("Gate");
  for (const account of accounts) {
    await store(vault.url, account, { file, device: "gate", directory: account.name, body: await recordingFixture() });
    urls.push(await signedUrl(vault, account, `${account.name}/${file}`));
  }
  const [account] = accounts;
  await page.goto(`/accounts/${account.id}`);
  await page.getByRole("dialog", { name: "Edit account" }).getByRole("link", { name: "Revoke signed URLs" }).click();
  const question = page.getByRole("dialog", { name: "Revoke signed URLs" });
  await expect(question).toContainText(account.name);
  expect(await status(urls[0])).toBe(200);
  await question.getByRole("button", { name: "Revoke signed URLs" }).click();
  await expect(page.getByText("Signed URLs revoked.")).toBeVisible();
  expect(await Promise.all(urls.map(status))).toEqual([403, 200]);
  expect(await status(await signedUrl(vault, account, `${account.name}/${file}`))).toBe(200);
});
