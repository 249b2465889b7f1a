// A dialog is an address: it can be linked to, reloaded and left with Back. And what is secret stays on the server.

import type { Page } from "@playwright/test";
import { addAccount, addProvider, addWebhook, signIn, unique } from "../support/admin.ts";
import { fileName, recordingFixture, store, upload } from "../support/agent.ts";
import { expect, startVault, test, type Vault } from "../support/vault.ts";

test.describe("a dialog is an address", () => {
  test("Reload keeps it, Back leaves it, closing it leaves no trace in the history", async ({ page, vault }) => {
    await signIn(page, vault);
    const provider = await addProvider(page, vault);
    await page.goto("/providers");
    await page.getByRole("link", { name: `Edit ${provider}` }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Filesystem storage provider" });
    await expect(dialog.getByLabel("Name")).toHaveValue(provider);
    await expect(page).toHaveURL(/\/providers\/\d+$/);

    await page.reload();
    await expect(page.locator("dialog:modal").getByLabel("Name")).toHaveValue(provider);

    await page.goBack();
    await expect(dialog).toHaveCount(0);
    await expect(page).toHaveURL("/providers");

    await page.goForward();
    await expect(dialog).toBeVisible();
    await dialog.getByRole("link", { name: "Close" }).click();
    await expect(dialog).toHaveCount(0);
    await expect(page).toHaveURL("/providers");
  });

  test("one that is opened by its address closes to its list", { tag: "@plain" }, async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/integrations/new/webhook");
    await page.getByRole("dialog").getByRole("link", { name: "Close" }).click();
    await expect(page).toHaveURL("/integrations");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page.getByRole("heading", { name: "Integrations", level: 1 })).toBeVisible();
  });

  test("the filter below it stays", { tag: "@plain" }, async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    const file = fileName("Door");
    await store(vault.url, account, { file, device: "door", directory: "x", body: await recordingFixture() });
    const list = `/media?account=${account.name}&rows=100`;
    await page.goto(list);
    await page.getByRole("link", { name: `Play ${file}` }).click();
    await expect(page.getByRole("dialog", { name: "Recording" })).toBeVisible();
    await page.getByRole("dialog").getByRole("link", { name: "Delete" }).click();
    await page.getByRole("dialog", { name: "Delete recordings" }).getByRole("link", { name: "Cancel" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page).toHaveURL(list);
    await expect(page.getByLabel("Account", { exact: true })).toHaveValue(account.name);
  });

  test("one that is opened by a link keeps what is below it out of reach", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    for (const [list, name] of [
      ["/accounts", `Edit ${account.name}`],
      ["/accounts", `Agent settings of ${account.name}`],
      ["/accounts", "Add account"],
      ["/providers", `Edit ${account.provider}`],
      ["/providers", `Delete ${account.provider}`],
      ["/integrations", "Add integration"],
    ] as const) {
      await page.goto(list);
      await page.getByRole("link", { name }).first().click();
      await expect(page.locator("dialog:modal"), `${list}: ${name}`).toBeVisible();
    }
  });

  test("one dialog can lead to the next", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    await page.goto("/accounts");
    await page.getByRole("link", { name: `Edit ${account.name}` }).click();
    await page.getByRole("link", { name: "Agent settings and reveal" }).click();
    await expect(page.locator("dialog:modal")).toContainText(account.accessKey);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await expect(page).toHaveURL("/accounts");
    await expect(page.getByRole("link", { name: `Edit ${account.name}` })).toBeFocused();
  });

  test("an address that leads nowhere says so", { tag: "@plain" }, async ({ page, vault }) => {
    await signIn(page, vault);
    for (const [address, words] of [
      ["/providers/999999", "There is no such"],
      ["/providers/new/floppy", "There is no such"],
      ["/accounts/999999", "no such account"],
      ["/media/999999/play", "no such recording"],
      ["/nowhere", "There is no such page"],
    ] as const) {
      const answer = await page.goto(address);
      expect(answer?.status(), address).toBe(404);
      await expect(page.getByText(words, { exact: false }).first(), address).toBeVisible();
    }
  });
});

test.describe("after signing in", () => {
  test("one is back where one wanted to go", { tag: "@plain" }, async ({ page, vault }) => {
    // Decoded once too often, it would be another camera.
    const wanted = "/media?camera=gate%20%26%20co%2525&rows=100";
    await page.goto(wanted);
    await expect(page).toHaveURL(`/sign-in?next=${encodeURIComponent(wanted)}`);
    await fillIn(page, vault);
    await expect(page).toHaveURL(wanted);
  });

  for (const elsewhere of ["//example.com/", "https://example.com/", "/\\example.com", "/%09/example.com", "javascript:alert(1)"]) {
    test(`next=${elsewhere} leads nowhere else`, { tag: "@plain" }, async ({ page, vault }) => {
      const left: string[] = [];
      page.on("request", (request) => {
        if (new URL(request.url()).origin !== vault.url) left.push(request.url());
      });
      await page.goto(`/sign-in?next=${elsewhere.startsWith("/%") ? elsewhere : encodeURIComponent(elsewhere)}`);
      await fillIn(page, vault);
      await expect(page).toHaveURL(`${vault.url}/`);
      await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
      expect(left).toEqual([]);
    });
  }

  test("a session that ended is noticed, and the way back is kept", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/media");
    await expect(page.getByRole("heading", { name: "Media", level: 1 })).toBeVisible();
    await page.context().clearCookies();
    await page.getByRole("link", { name: "Cameras" }).click();
    await expect(page).toHaveURL(/\/sign-in/);
    await fillIn(page, vault);
    await expect(page).toHaveURL("/cameras");
    await expect(page.getByRole("heading", { name: "Cameras", level: 1 })).toBeVisible();
  });
});

test.describe("a form is not lost, nor what another window saved", () => {
  test("after the session has ended it says so and stays", async ({ page, vault }) => {
    await signIn(page, vault);
    const name = await addWebhook(page, vault);
    await page.goto("/integrations");
    await page.getByRole("link", { name: `Edit ${name}` }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Webhook integration" });
    await dialog.getByLabel("Name").fill(`${name}-2`);
    const cookies = await page.context().cookies();
    await page.context().clearCookies();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.getByRole("link", { name: "Sign in in another tab" })).toBeVisible();
    await expect(dialog.getByLabel("Name")).toHaveValue(`${name}-2`);
    await page.context().addCookies(cookies);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Integration saved.")).toBeVisible();
  });

  test("what another window saved meanwhile is not saved over", { tag: "@plain" }, async ({ page, vault }) => {
    await signIn(page, vault);
    const name = await addWebhook(page, vault);
    await page.goto("/integrations");
    await page.getByRole("link", { name: `Edit ${name}` }).click();
    await expect(page).toHaveURL(/\/integrations\/\d+$/);
    const address = page.url();
    const other = await page.context().newPage();
    await other.goto(address);
    for (const [window, address] of [[other, "http://127.0.0.1:9/first"], [page, "http://127.0.0.1:9/second"]] as const) {
      const dialog = window.getByRole("dialog", { name: "Edit Webhook integration" });
      await dialog.getByLabel("Name").fill(`${name}-${address.split("/").at(-1)}`);
      await dialog.getByRole("button", { name: "Save" }).last().click();
      const said = address.endsWith("first") ? "Integration saved." : "was changed in another window";
      await expect(window.getByText(said)).toBeVisible();
    }
    await other.goto("/integrations");
    await expect(other.getByRole("link", { name: `Edit ${name}-first` })).toBeVisible();
  });
});

test.describe("secrets", () => {
  test("of a connection never reach the browser; blank keeps, another host asks again", async ({ page, vault }) => {
    const secret = unique("do-not-show");
    await signIn(page, vault);
    const name = await addWebhook(page, vault, { url: "http://127.0.0.1:9/one", secret });
    const seen = bodies(page);
    await page.goto("/integrations");
    await page.getByRole("link", { name: `Edit ${name}` }).click();
    const dialog = page.getByRole("dialog", { name: "Edit Webhook integration" });
    const field = dialog.getByLabel("Signing secret", { exact: false }).first();
    await expect(field).toHaveValue("");
    await expect(field).toHaveAttribute("placeholder", /set, leave empty to keep/);
    await page.reload();
    await expect(dialog).toBeVisible();
    expect(await page.content()).not.toContain(secret);

    await dialog.getByLabel("Name").fill(`${name}-2`);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Integration saved.")).toBeVisible();
    await page.getByRole("link", { name: `Edit ${name}-2` }).click();
    await expect(field, "blank keeps what was set").toHaveAttribute("placeholder", /set, leave empty to keep/);

    await dialog.getByLabel("URL").fill("http://127.0.0.2:9/two");
    await dialog.getByRole("button", { name: "Validate" }).click();
    await expect(dialog.getByText("Signing secret must be typed again because URL has changed")).toBeVisible();
    await expect(field).toHaveAttribute("aria-invalid", "true");
    expect((await seen()).filter((body) => body.includes(secret))).toEqual([]);
  });

  test("of an account are shown on request, and can be copied", async ({ page, vault, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await signIn(page, vault);
    const account = await addAccount(page, vault, { directory: "here" });
    // Signed in again: the session that made the account may still show its key.
    await context.clearCookies();
    await signIn(page, vault);

    await page.goto(`/accounts/${account.id}`);
    const edit = page.getByRole("dialog", { name: "Edit account" });
    await expect(edit.getByLabel("Secret key", { exact: true })).toHaveValue("");
    expect(await page.content()).not.toContain(account.secretKey);
    await edit.getByRole("link", { name: "Agent settings and reveal" }).click();
    const settings = page.getByRole("dialog", { name: "Agent settings" });
    await expect(settings).toContainText(account.accessKey);
    await expect(settings).not.toContainText(account.secretKey);
    expect(await page.content()).not.toContain(account.secretKey);

    await settings.getByRole("button", { name: "Reveal secret" }).click();
    await expect(settings.getByText(account.secretKey, { exact: true })).toBeVisible();
    await settings.getByRole("button", { name: "Copy secret key" }).click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(account.secretKey);
    await settings.getByRole("button", { name: "Copy environment" }).click();
    await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toContain(`AGENT_KERBEROSVAULT_SECRET_KEY=${account.secretKey}`);
  });

  test("of an account can be made anew and copied at once, by keyboard too", async ({ page, vault, context }) => {
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    await page.goto("/accounts");
    await page.getByRole("link", { name: `Edit ${account.name}` }).click();
    const dialog = page.locator("dialog:modal");
    const copy = dialog.getByRole("button", { name: "Copy secret key" });
    await expect(copy, "the stored one is not here to be copied").toHaveCount(0);
    await dialog.getByRole("button", { name: "Generate keys" }).focus();
    await page.keyboard.press("Space");
    const secret = dialog.getByLabel("Secret key", { exact: true });
    await expect(secret).not.toHaveValue("");
    await copy.click();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(await secret.inputValue());
  });

  test("of an account stay as they are when left blank", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    await page.goto(`/accounts/${account.id}`);
    const dialog = page.getByRole("dialog", { name: "Edit account" });
    await dialog.getByLabel("Day limit").fill("7");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name: account.name })).toContainText("7 days");
    const body = await recordingFixture();
    expect((await upload(vault.url, account, { file: fileName("A"), device: "a", directory: "a", body })).status).toBe(200);
  });
});

test.describe("what the configuration file declares", () => {
  const secret = "provisioned-signing-secret";
  const toml = `
[[provider]]
name = "declared-disk"
kind = "filesystem"
path = "declared"
[[integration]]
name = "declared-hook"
kind = "webhook"
url = "http://127.0.0.1:9/"
secret = "${secret}"
[[account]]
name = "declared-site"
provider = "declared-disk"
integrations = ["declared-hook"]
directory = "*"
access_key = "DECLARED"
secret_key = "declared-secret-key"
`;

  test("can be looked at and not changed", { tag: "@plain" }, async ({ page }) => {
    const vault = await startVault({ toml });
    try {
      await signIn(page, vault);
      for (const [list, name, control] of [
        ["providers", "declared-disk", "Folder"],
        ["integrations", "declared-hook", "URL"],
        ["accounts", "declared-site", "Account name"],
      ] as const) {
        await page.goto(`${vault.url}/${list}`);
        const row = page.getByRole("row", { name });
        await expect(row.getByText("provisioned")).toBeVisible();
        await expect(row.getByRole("link", { name: `Delete ${name}` })).toHaveCount(0);
        await row.getByRole("link", { name: `View ${name}` }).click();
        const dialog = page.getByRole("dialog", { name: /^View / });
        await expect(dialog).toContainText("Declared in the vault's configuration file");
        await expect(dialog.getByLabel(control)).not.toBeEditable();
        await expect(dialog.getByRole("switch", { name: "Enabled" })).toBeDisabled();
        await expect(dialog.getByRole("button", { name: /Save|Add/ })).toHaveCount(0);
        const content = await page.content();
        expect(content).not.toContain(secret);
        expect(content).not.toContain("declared-secret-key");
      }
      await page.goto(`${vault.url}/providers`);
      await page.getByRole("link", { name: "View declared-disk" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Validate" }).click();
      await expect(page.getByTestId("report")).toContainText("Validation passed");
    } finally {
      await vault.stop();
    }
  });
});

async function fillIn(page: Page, vault: Vault): Promise<void> {
  await page.getByLabel("User name").fill(vault.admin.username);
  await page.getByLabel("Password", { exact: true }).fill(vault.admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** What the vault sent to the page from now on. */
function bodies(page: Page): () => Promise<string[]> {
  const answers: Promise<string>[] = [];
  page.on("response", (answer) => {
    const text = /\/pkg\//.test(answer.url()) ? "" : answer.text().catch(() => "");
    answers.push(Promise.resolve(text));
  });
  return () => Promise.all(answers);
}
