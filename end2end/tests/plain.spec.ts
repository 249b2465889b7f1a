// What must work before WebAssembly has come, or where it never comes. Runs with and without JavaScript.

import { join } from "node:path";
import { addAccount, addProvider, signIn, unique } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { expect, test } from "../support/vault.ts";

test.describe("plain HTML", { tag: "@plain" }, () => {
  test("signs in, refuses a wrong password, signs out", async ({ page, vault }) => {
    await page.goto("/sign-in");
    await page.getByLabel("User name").fill(vault.admin.username);
    await page.getByLabel("Password", { exact: true }).fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toContainText("password");
    await expect(page).not.toHaveURL(/not.the.password/);

    await page.getByLabel("User name").fill(vault.admin.username);
    await page.getByLabel("Password", { exact: true }).fill(vault.admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();

    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByText("You are signed out.")).toBeVisible();
    await page.goto("/accounts");
    await expect(page).toHaveURL(/\/sign-in\?next=%2Faccounts/);
  });

  test("lists everything there is", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    const file = fileName("Hall");
    await store(vault.url, account, { file, device: "hall", directory: "x", body: await recordingFixture() });
    await page.goto("/");
    await expect(page.getByText("Recordings today")).toBeVisible();
    for (const [list, row] of [
      ["/media", file],
      ["/cameras", "hall"],
      ["/providers", account.provider],
      ["/accounts", account.name],
    ] as const) {
      await page.goto(list);
      await expect(page.getByRole("row", { name: row }).first()).toBeVisible();
    }
    for (const list of ["/accounts", "/cameras", "/providers"]) {
      await page.goto(`${list}?q=nothing-has-this-name`);
      await expect(page.getByRole("row")).toHaveCount(0);
      await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
    }
  });

  test("Media: filter, pages, a recording, deleting the ticked ones", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    const body = await recordingFixture();
    const start = Date.UTC(2026, 0, 2, 3, 0, 0);
    const names = Array.from({ length: 52 }, (_, i) => fileName(`N${i}`, new Date(start + i * 60_000)));
    for (const [i, file] of names.entries()) {
      // The content does not matter here, but no two may be the same.
      const small = Buffer.concat([body.subarray(0, 2_000), Buffer.from(`free ${i}`)]);
      await store(vault.url, account, { file, device: `pager-${account.name}-${i % 2}`, directory: "p", body: small });
    }
    const rows = page.locator("table.media tbody tr");

    await page.goto("/media");
    await page.getByLabel("Account", { exact: true }).selectOption(account.name);
    await page.getByRole("button", { name: "Filter" }).click();
    await expect(page).toHaveURL(new RegExp(`account=${account.name}`));
    await expect(rows).toHaveCount(50);
    await expect(rows.first()).toContainText("N51");

    const pager = page.getByRole("navigation", { name: "Pages", exact: true });
    await pager.getByRole("link", { name: "Older" }).click();
    await expect(rows).toHaveCount(2);
    await expect(rows.last()).toContainText("N0");
    await expect(pager.getByRole("link", { name: "Older" })).toHaveCount(0);
    await pager.getByRole("link", { name: "Newer" }).click();
    await expect(rows.first()).toContainText("N51");

    await page.goto(`/media?account=${account.name}&from=2026-01-02T03:10&until=2026-01-02T03:13`);
    await expect(rows).toHaveCount(3);
    await page.getByRole("link", { name: "Clear" }).click();
    await expect(page).toHaveURL("/media");

    await page.goto(`/media?account=${account.name}&camera=pager-${account.name}-1&rows=100`);
    await expect(rows).toHaveCount(26);
    await page.getByRole("checkbox", { name: `Select ${names[51]}` }).check();
    await page.getByRole("checkbox", { name: `Select ${names[49]}` }).check();
    await page.getByRole("button", { name: "Delete selected" }).click();
    const question = page.getByRole("dialog", { name: "Delete recordings" });
    await expect(question).toContainText("Delete 2 recordings?");
    await question.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByText("Deleted.")).toBeVisible();
    await expect(rows).toHaveCount(24);
    await expect(rows.first()).toContainText("N47");
  });

  test("a provider: errors at their field, Validate, add, edit, delete", async ({ page, vault }) => {
    const name = unique("plain");
    await signIn(page, vault);
    await page.goto("/providers");
    await page.getByRole("link", { name: "Add storage provider" }).first().click();
    await page.getByRole("dialog").getByRole("link", { name: "Filesystem" }).click();
    const dialog = page.getByRole("dialog");

    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Add storage provider" }).click();
    await expect(dialog.getByLabel("Folder")).toHaveAttribute("aria-invalid", "true");
    await expect(dialog.getByLabel("Folder")).toHaveAccessibleDescription(/Folder is required/);
    await expect(dialog.getByLabel("Name"), "what was typed is still there").toHaveValue(name);

    await dialog.getByLabel("Folder").fill("/proc/kerberos-vault");
    await dialog.getByRole("button", { name: "Validate" }).click();
    await expect(dialog.getByTestId("report")).toContainText("Validation failed at “folder”");
    await expect(dialog.getByTestId("report")).toContainText("Try:");
    await dialog.getByLabel("Folder").fill(join(vault.directory, name));
    await dialog.getByRole("button", { name: "Validate" }).click();
    await expect(dialog.getByTestId("report")).toContainText("Validation passed");
    await dialog.getByRole("button", { name: "Add storage provider" }).click();
    await expect(page.getByText("Storage provider added.")).toBeVisible();

    await page.getByRole("link", { name: `Edit ${name}` }).click();
    await dialog.getByLabel("Name").fill(`${name}-renamed`);
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Storage provider saved.")).toBeVisible();

    await page.getByRole("link", { name: `Delete ${name}-renamed` }).click();
    await expect(dialog).toContainText(`Delete ${name}-renamed?`);
    await dialog.getByRole("button", { name: "Delete storage provider" }).click();
    await expect(page.getByText("Storage provider deleted.")).toBeVisible();
    await expect(page.getByRole("row", { name: `${name}-renamed` })).toHaveCount(0);
  });

  test("a provider in use is not deleted", async ({ page, vault }) => {
    await signIn(page, vault);
    const account = await addAccount(page, vault);
    await page.goto("/providers");
    await page.getByRole("link", { name: `Delete ${account.provider}` }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText(`Used by ${account.name}`);
    await dialog.getByRole("button", { name: "Delete storage provider" }).click();
    await expect(page.getByRole("alert").filter({ hasText: account.name }).first()).toBeVisible();
    await page.goto("/providers");
    await expect(page.getByRole("row", { name: account.provider })).toHaveCount(1);
  });

  test("a webhook: errors at their field, add, edit, delete", async ({ page, vault }) => {
    const name = unique("plain-hook");
    await signIn(page, vault);
    await page.goto("/integrations/new/webhook");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("URL").fill("ftp://example.com");
    await dialog.getByRole("button", { name: "Add integration" }).click();
    await expect(dialog.getByLabel("URL")).toHaveAttribute("aria-invalid", "true");
    await dialog.getByLabel("URL").fill("http://127.0.0.1:9/recordings");
    await dialog.getByRole("button", { name: "Add integration" }).click();
    await expect(page.getByText("Integration added.")).toBeVisible();

    await page.getByRole("link", { name: `Edit ${name}` }).click();
    await dialog.locator("label.switch").filter({ hasText: "Enabled" }).click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name })).toContainText("Disabled");

    await page.getByRole("link", { name: `Delete ${name}` }).click();
    await dialog.getByRole("button", { name: "Delete integration" }).click();
    await expect(page.getByText("Integration deleted.")).toBeVisible();
    await expect(page.getByRole("row", { name })).toHaveCount(0);
  });

  test("an account: keys, errors at their field, add, edit, delete", async ({ page, vault, javaScriptEnabled }) => {
    const name = unique("plain-site");
    await signIn(page, vault);
    const provider = await addProvider(page, vault);
    await page.goto("/accounts");
    await page.getByRole("link", { name: "Add account" }).first().click();
    const dialog = page.getByRole("dialog");
    const accessKey = dialog.getByLabel("Access key", { exact: true });
    const first = await accessKey.inputValue();
    expect(first).not.toBe("");
    await expect(dialog.getByRole("switch", { name: "Cloud analysis" })).toBeChecked();
    await dialog.getByLabel("Main provider").selectOption(provider);
    await dialog.getByRole("button", { name: "Generate keys" }).click();
    await expect(accessKey).not.toHaveValue(first);
    await expect(dialog.getByLabel("Main provider"), "what was chosen is still there").toHaveValue(provider);

    // Keys of one's own: a mistake elsewhere must not swap them.
    const own = { access: unique("own-access"), secret: unique("own-secret") };
    const secretKey = dialog.getByLabel("Secret key", { exact: true });
    await accessKey.fill(own.access);
    await secretKey.fill(own.secret);
    await dialog.getByRole("button", { name: "Add account" }).click();
    await expect(dialog.getByLabel("Account name")).toHaveAccessibleDescription(/Name is required/);
    await expect(accessKey).toHaveValue(own.access);
    // A page that had to be loaded again has no secret in it, and says so: no session keeps one.
    const left = await secretKey.inputValue();
    expect(javaScriptEnabled ? [own.secret, ""] : [""]).toContain(left);
    if (left === "") {
      await expect(secretKey).toHaveAccessibleDescription(/must be entered again/);
      await secretKey.fill(own.secret);
    }

    await dialog.getByLabel("Account name").fill(name);
    await dialog.getByRole("button", { name: "Add account" }).click();
    const settings = page.getByRole("dialog", { name: "Agent settings" });
    await expect(settings).toContainText(own.access);
    await expect(settings).toContainText(own.secret);
    await expect(settings, "without a script too").toContainText(`${vault.url}/api`);
    await page.getByRole("link", { name: "Done" }).click();

    await page.getByRole("link", { name: `Edit ${name}` }).click();
    await dialog.getByLabel("Day limit").fill("0");
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("row", { name })).toContainText("for ever");

    await page.getByRole("link", { name: `Delete ${name}` }).click();
    await dialog.getByRole("button", { name: "Delete account" }).click();
    await expect(page.getByText("Account deleted.")).toBeVisible();
    await expect(page.getByRole("row", { name })).toHaveCount(0);
  });

  test("a password that is too short is refused at its field", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/password");
    await page.getByLabel("Current password").fill(vault.admin.password);
    await page.getByLabel("New password", { exact: true }).fill("short");
    await page.getByLabel("New password again").fill("short");
    await page.getByRole("button", { name: "Change password" }).click();
    await expect(page.getByLabel("New password", { exact: true })).toHaveAttribute("aria-invalid", "true");
    await expect(page).not.toHaveURL(new RegExp(vault.admin.password));
  });
});
