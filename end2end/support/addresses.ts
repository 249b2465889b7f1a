// Every page and every dialog there is, with something in each.

import type { Page } from "@playwright/test";
import { addAccount, addVault, addWebhook } from "./admin.ts";
import { fileName, heartbeat, recordingFixture, store } from "./agent.ts";
import type { Vault } from "./vault.ts";

/** The page must be signed in; it is somewhere else afterwards. */
export async function everyAddress(page: Page, vault: Vault): Promise<{ pages: string[]; dialogs: string[] }> {
  const webhook = await addWebhook(page, vault);
  await addVault(page, vault);
  const account = await addAccount(page, vault, { integrations: [webhook] });
  const file = fileName("Yard");
  await store(vault.url, account, { file, device: "yard", directory: "x", body: await recordingFixture() });
  await heartbeat(vault.url, { key: "claimed", name: "Only claimed" });

  const href = async (list: string, name: string) => {
    await page.goto(list);
    const found = await page.getByRole("link", { name }).first().getAttribute("href");
    if (!found) throw new Error(`${list} has no link ${name}`);
    return found;
  };
  const provider = await href("/providers", `Edit ${account.provider}`);
  const integration = await href("/integrations", `Edit ${webhook}`);
  const delivery = await href("/deliveries", "Show the event of");
  const play = await href("/media", `Play ${file}`);
  const edit = `/accounts/${account.id}`;
  return {
    pages: ["/", "/media", "/cameras", "/deliveries", "/providers", "/integrations", "/accounts", "/help", "/password"],
    dialogs: [
      ...[play, play.replace(/play$/, "delete"), play.replace(/play$/, "forward"), "/media/forward?id=all"],
      ...[play.replace(/(\d+)\/play$/, "delete?id=$1"), play.replace(/play$/, "lock")],
      ...["/cameras/delete?key=yard", delivery],
      ...["/providers/new", "/providers/new/filesystem", "/providers/new/s3", "/providers/new/gcs"],
      ...[provider, `${provider}/delete`, `${provider}/move`],
      ...["/integrations/new", "/integrations/new/webhook", integration, `${integration}/delete`, `${integration}/replay`],
      ...["/accounts/new", edit, `${edit}/keys`, `${edit}/revoke`, `${edit}/delete`],
    ],
  };
}
