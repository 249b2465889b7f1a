// A vault below a path of a host that has other sites too: `public_url = "https://nvr.example/vault"`. Nothing of it may
// lead out of that path.

import type { Page } from "@playwright/test";
import { everyAddress } from "../support/addresses.ts";
import { addAccount, signIn } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, test } from "../support/vault.ts";

const BELOW = "/nvr/vault";

test.use({ below: BELOW });

test.describe("below a path", { tag: "@plain" }, () => {
  test("no page or dialog leads out of it", async ({ page, vault }) => {
    await signIn(page, vault);
    const { pages, dialogs } = await everyAddress(page, vault);
    for (const address of [...pages, ...dialogs]) {
      await test.step(address, async () => {
        const outside = askedOutside(page);
        await page.goto(address);
        await expect(page.getByRole("heading", { level: 1 }).first()).toBeVisible();
        await expect(page.locator(".loading")).toHaveCount(0);
        expect(await leadsOutside(page)).toEqual([]);
        expect(outside).toEqual([]);
        page.removeAllListeners();
      });
    }
  });

  test("an administrator signs in, finds a recording, deletes it and signs out", async ({ page, vault }) => {
    await page.goto("/media?rows=100");
    await expect(page).toHaveURL(`${vault.url}/sign-in?next=%2Fmedia%3Frows%3D100`);
    await page.getByLabel("User name").fill(vault.admin.username);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toContainText("password");
    await page.getByLabel("User name").fill(vault.admin.username);
    await page.getByLabel("Password", { exact: true }).fill(vault.admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL(`${vault.url}/media?rows=100`);

    const account = await addAccount(page, vault);
    const file = fileName("Below");
    await store(vault.url, account, { file, device: "below", directory: "x", body: await recordingFixture() });
    await page.goto("/media");
    await page.getByRole("link", { name: `Play ${file}` }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.locator("video")).toHaveJSProperty("error", null);
    const download = await dialog.getByRole("link", { name: "Download" }).first().getAttribute("href");
    expect((await page.request.get(new URL(download!, vault.url).href)).status()).toBe(200);
    await dialog.getByRole("link", { name: "Close" }).click();

    await page.getByLabel(`Select ${file}`).check();
    await page.getByRole("button", { name: "Delete selected" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(page.getByText("Deleted.")).toBeVisible();
    await expect(page).toHaveURL(/\/nvr\/vault\/media\?.*done=deleted/);

    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByText("You are signed out.")).toBeVisible();
    await page.goto("/media");
    await expect(page).toHaveURL(`${vault.url}/sign-in?next=%2Fmedia`);
  });
});

test("links, dialogs and Back leave the document alone", async ({ page, vault }) => {
  await signIn(page, vault);
  await page.goto("/");
  const outside = askedOutside(page);
  const heading = (name: string) => page.getByRole("heading", { name, level: 1 });
  const marked = () => page.evaluate(() => "marked" in window);
  await expect(async () => {
    await page.goto("/");
    await page.evaluate(() => Object.assign(window, { marked: true }));
    await page.getByRole("link", { name: "Accounts", exact: true }).click();
    await expect(heading("Accounts")).toBeVisible();
    expect(await marked(), "the document was loaded anew: the page is not alive").toBe(true);
  }).toPass();
  for (const name of ["Media", "Cameras", "Integrations", "Storage providers"]) {
    await page.getByRole("link", { name, exact: true }).click();
    await expect(heading(name)).toBeVisible();
    await expect(page.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "page");
  }
  await page.getByRole("link", { name: "Add storage provider" }).first().click();
  await page.getByRole("dialog").getByRole("link", { name: "Filesystem" }).click();
  await page.getByLabel("Kind").selectOption("s3");
  await expect(page).toHaveURL(`${vault.url}/providers/new/s3`);
  expect(await leadsOutside(page)).toEqual([]);
  await page.getByRole("link", { name: "Cancel" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.goBack();
  await page.goForward();
  await expect(heading("Storage providers")).toBeVisible();
  expect(await marked()).toBe(true);
  expect(outside).toEqual([]);
});

test("Swagger finds the description, and the API where the description says", async ({ page, vault }) => {
  const outside = askedOutside(page);
  await page.goto("/swagger/");
  await expect(page.getByRole("heading", { name: /Kerberos Vault/ })).toBeVisible();
  await expect(page.locator(".servers").getByRole("combobox")).toHaveValue(BELOW);
  await page.getByRole("button", { name: /^GET \/api\/health / }).click();
  await page.getByRole("button", { name: "Try it out" }).click();
  const health = page.waitForResponse(`${vault.url}/api/health`);
  await page.getByRole("button", { name: "Execute" }).click();
  expect((await health).status()).toBe(200);
  expect(outside).toEqual([]);
});

test("a page that is opened without the path is opened with it", async ({ page, vault }) => {
  await page.goto(`${new URL(vault.url).origin}/sign-in?done=out`);
  await expect(page).toHaveURL(`${vault.url}/sign-in?done=out`);
  await expect(page.getByText("You are signed out.")).toBeVisible();
});

/** Addresses in the page that leave the vault's path but not its host. */
function leadsOutside(page: Page): Promise<string[]> {
  const names = ["href", "src", "action", "formaction"];
  const given = page.locator(names.map((name) => `[${name}]`).join(","));
  return given.evaluateAll(
    (elements, { names, below }) =>
      elements
        .flatMap((element) => names.map((name) => element.getAttribute(name) ?? ""))
        .filter((address) => address.startsWith("/") && !`${address}/`.startsWith(`${below}/`)),
    { names, below: BELOW },
  );
}

/** What the page asks this host for outside the vault's path, from now on. */
function askedOutside(page: Page): string[] {
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname, hostname } = new URL(request.url());
    if (hostname === "127.0.0.1" && !`${pathname}/`.startsWith(`${BELOW}/`)) asked.push(pathname);
  });
  return asked;
}
