// Pages that never come to life look right and answer plain forms: only a test in a browser can tell.

import type { Page } from "@playwright/test";
import { everyAddress } from "../support/addresses.ts";
import { addAccount, signIn } from "../support/admin.ts";
import { expect, test } from "../support/vault.ts";

test("the sign-in page comes to life", async ({ page }) => {
  const complaints = listen(page);
  await page.goto("/sign-in");
  const password = page.getByLabel("Password", { exact: true });
  await password.fill("visible");
  await expect(async () => {
    await page.getByRole("button", { name: "Show password" }).click();
    await expect(password).toHaveAttribute("type", "text", { timeout: 500 });
  }).toPass();
  await expect(password).toHaveValue("visible");
  expect(complaints).toEqual([]);
});

test("every page and dialog hydrates without a complaint", async ({ page, vault }) => {
  await signIn(page, vault);
  const { pages, dialogs } = await everyAddress(page, vault);
  for (const address of [...pages, ...dialogs]) {
    await test.step(address, async () => {
      const complaints = listen(page);
      await page.goto(address);
      if (dialogs.includes(address)) {
        await expect(page.locator("dialog:modal"), "the server's open dialog becomes a modal one").toBeVisible();
      } else {
        // Only once the router listens does a link leave the document alone.
        await expectClientSideNavigation(page);
      }
      expect(complaints).toEqual([]);
      page.removeAllListeners();
    });
  }
});

test("links, filters and dialogs leave the document alone", async ({ page, vault }) => {
  await signIn(page, vault);
  await addAccount(page, vault);
  await page.goto("/");
  await expectClientSideNavigation(page);
  await mark(page);
  for (const name of ["Media", "Cameras", "Integrations", "Accounts", "Storage providers"]) {
    await page.getByRole("link", { name, exact: true }).click();
    await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
    await expect(page).toHaveTitle(`${name} · Kerberos Vault`);
    await expect(page.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "page");
  }
  await page.getByRole("link", { name: "Add storage provider" }).first().click();
  await page.getByRole("dialog").getByRole("link", { name: "Webhook" }).or(page.getByRole("link", { name: "Ceph" })).click();
  await page.getByLabel("Kind").selectOption("filesystem");
  await expect(page.getByRole("dialog", { name: "Add Filesystem storage provider" })).toBeVisible();
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(await marked(page), "the document was loaded anew").toBe(true);
});

test("a page's files are announced in its head and fetched once", async ({ page, vault }) => {
  await signIn(page, vault);
  await page.goto("/media");
  await expectClientSideNavigation(page);
  await page.goto("/media");
  const fetched = () =>
    page.evaluate(() => {
      const files = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
      const wasm = files.filter((file) => file.name.endsWith(".wasm"));
      return wasm.map((file) => ({ file: new URL(file.name).pathname, by: file.initiatorType }));
    });
  await expect.poll(async () => (await fetched()).filter(({ file }) => file.endsWith("/media.wasm"))).toHaveLength(1);
  await expectClientSideNavigation(page);
  const files = await fetched();
  const folder = files.find(({ file }) => file.endsWith("/media.wasm"))?.file.replace("media.wasm", "") ?? "";
  const pages: { help: string[]; media: string[] } = await (await page.request.get(`${vault.url}${folder}pages.json`)).json();
  const forHelpAlone = pages.help.filter((name) => !pages.media.includes(name)).map((name) => `${folder}${name}`);
  const media = files.filter(({ file }) => !forHelpAlone.includes(file));
  expect(new Set(media.map(({ file }) => file)).size, "nothing is fetched twice").toBe(media.length);
  expect(media.filter(({ by }) => by !== "link"), "the head announces all of it").toEqual([]);
});

test("a page whose files cannot be had is loaded as a document", async ({ page, vault }) => {
  await signIn(page, vault);
  await page.goto("/help");
  await expectClientSideNavigation(page);
  const documents: string[] = [];
  page.on("request", (request) => {
    if (request.isNavigationRequest()) documents.push(new URL(request.url()).pathname);
  });
  // as after an update of the vault, which has other files
  await page.route("**/pkg/*/*.wasm", (route) => route.fulfill({ status: 404 }));
  const sidebar = page.getByRole("navigation", { name: "Main" });
  await sidebar.getByRole("link", { name: "Media", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Media", level: 1 })).toBeVisible();
  expect(documents).toEqual(["/media"]);
  // that one is not live either, but it is a page: links work, and nothing goes round in circles
  await sidebar.getByRole("link", { name: "Cameras", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Cameras", level: 1 })).toBeVisible();
  expect(documents).toEqual(["/media", "/cameras"]);
});

/** Fills as the browser complains: errors, warnings, what the content security policy refused, broken requests. */
function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning", "assert"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error}`));
  page.on("response", (answer) => {
    if (answer.status() >= 400) complaints.push(`${answer.status()} ${answer.url()}`);
  });
  return complaints;
}

interface Marked {
  marked?: boolean;
}

const mark = (page: Page) => page.evaluate(() => void ((window as Marked).marked = true));
const marked = (page: Page) => page.evaluate(() => (window as Marked).marked === true);

/** Follows a link of the sidebar and comes back. */
async function expectClientSideNavigation(page: Page): Promise<void> {
  const start = page.url();
  const to = new URL(start).pathname === "/help" ? "Cameras" : "Documentation";
  await expect(async () => {
    if (page.url() !== start) await page.goto(start);
    await mark(page);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: to, exact: true }).click();
    await expect(page.getByRole("heading", { name: to, level: 1 })).toBeVisible();
    expect(await marked(page), "the document was loaded anew: the page is not alive").toBe(true);
    await page.goBack();
    await expect(page).toHaveURL(start);
    expect(await marked(page), "Back loaded the document anew").toBe(true);
  }).toPass();
}
