// Everyone can use it: contrast, names and roles (axe), small screens, the keyboard alone.

import { expectAccessible, scan } from "../support/accessible.ts";
import { everyAddress } from "../support/addresses.ts";
import { addWebhook, signIn } from "../support/admin.ts";
import { expect, startVault, test } from "../support/vault.ts";

// The two windows take a minute or more each: by themselves they are shared among the workers.
test.describe.configure({ mode: "parallel" });

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 740 };

for (const viewport of [WIDE, PHONE]) {
  test(`axe finds nothing at ${viewport.width} px, light and dark`, async ({ page, vault }) => {
    test.slow();
    await page.setViewportSize(viewport);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await expectAccessible(page, "/sign-in");
    await signIn(page, vault);
    const { pages, dialogs } = await everyAddress(page, vault);
    for (const address of [...pages, "/media?account=nobody", "/nowhere"]) await expectAccessible(page, address);
    for (const address of dialogs) await expectAccessible(page, address, "dialog");

    await test.step("what Validate found", async () => {
      await page.goto("/providers/new/filesystem");
      await page.getByLabel("Name").fill("x");
      for (const [folder, outcome] of [
        ["/proc/nowhere", "failed"],
        [`${vault.directory}/somewhere`, "passed"],
      ] as const) {
        await page.getByLabel("Folder").fill(folder);
        await page.getByRole("button", { name: "Validate" }).click();
        await expect(page.getByTestId("report")).toContainText(`Validation ${outcome}`);
        await scan(page);
      }
      await page.getByLabel("Folder").fill("");
      await page.getByRole("button", { name: "Validate" }).click();
      await expect(page.getByLabel("Folder")).toHaveAttribute("aria-invalid", "true");
      await scan(page);
    });
  });
}

test("pages that are still empty are accessible too", async ({ page }) => {
  test.slow();
  // Colours on their way from one scheme to the other have no contrast worth measuring.
  await page.emulateMedia({ reducedMotion: "reduce" });
  const vault = await startVault();
  try {
    await signIn(page, vault);
    for (const address of ["/", "/media", "/cameras", "/deliveries", "/integrations"]) await expectAccessible(page, vault.url + address);
  } finally {
    await vault.stop();
  }
});

test.describe("with the keyboard alone", () => {
  test("the first Tab leads past the navigation", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/providers");
    await page.keyboard.press("Tab");
    const skip = page.getByRole("link", { name: "Skip to content" });
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("main")).toBeFocused();
    await page.keyboard.press("Tab");
    await expect(page.getByRole("main").getByRole("link", { name: "Add storage provider" }).first()).toBeFocused();
  });

  for (const [address, label] of [
    ["/media", "Account"],
    ["/cameras", "Search cameras"],
    ["/deliveries", "Integration"],
    ["/providers", "Search storage providers"],
    ["/integrations", "Search integrations"],
    ["/accounts", "Search accounts"],
  ] as const) {
    test(`/ goes to the search of ${address}`, async ({ page, vault }) => {
      await signIn(page, vault);
      await page.goto(address);
      const search = page.getByLabel(label, { exact: true });
      await expect(async () => {
        await page.keyboard.press("/");
        await expect(search).toBeFocused({ timeout: 500 });
      }).toPass();
      if (label !== "Account") await expect(search, "the key itself is not typed").toHaveValue("");
    });
  }

  test("the search narrows the list as one types", async ({ page, vault }) => {
    await signIn(page, vault);
    const [one, other] = [await addWebhook(page, vault), await addWebhook(page, vault)];
    await page.goto("/integrations");
    await expect(async () => {
      await page.keyboard.press("/");
      await expect(page.getByRole("searchbox")).toBeFocused({ timeout: 500 });
    }).toPass();
    await page.keyboard.type(`WEBHOOK ${one}`);
    await expect(page.getByRole("row", { name: one })).toBeVisible();
    await expect(page.getByRole("row", { name: other })).toBeHidden();
  });

  for (const address of ["/providers", "/integrations", "/accounts"]) {
    test(`n opens Add on ${address}, Esc closes it and gives the focus back`, async ({ page, vault }) => {
      await signIn(page, vault);
      await page.goto(address);
      const dialog = page.locator("dialog:modal");
      await expect(async () => {
        await page.keyboard.press("n");
        await expect(dialog).toBeVisible({ timeout: 500 });
      }).toPass();
      await expect(page).toHaveURL(`${address}/new`);
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(0);
      await expect(page).toHaveURL(address);

      // Opened from a link, the focus goes back to it.
      const add = page.locator("[data-key='n']");
      await add.focus();
      await page.keyboard.press("Enter");
      await expect(dialog).toBeVisible();
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(0);
      await expect(add).toBeFocused();
    });
  }

  test("a letter typed into a field is a letter", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/providers");
    await page.getByRole("searchbox").pressSequentially("n/n");
    await expect(page.getByRole("searchbox")).toHaveValue("n/n");
    await expect(page).toHaveURL("/providers");
  });

  test("Tab stays inside a modal dialog and reaches all of it", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/providers/new/filesystem");
    await expect(page.locator("dialog:modal")).toBeVisible();
    await expect(page.getByLabel("Name")).toBeFocused();
    const reached = new Set<string>();
    for (let press = 0; press < 24; press++) {
      await page.keyboard.press("Tab");
      // Between the last and the first, browsers visit their own controls: the body then has the focus.
      const where = await page.evaluate(() => {
        const on = document.activeElement;
        if (!on || on === document.body) return "browser";
        if (!on.closest("dialog")) return `outside: ${on.outerHTML.slice(0, 120)}`;
        return on.getAttribute("aria-label") ?? on.getAttribute("name") ?? on.textContent?.trim() ?? "";
      });
      expect(where).not.toContain("outside");
      reached.add(where);
    }
    expect([...reached]).toEqual(
      expect.arrayContaining(["Close", "connection[enabled]", "connection[name]", "Cancel", "Validate", "Add storage provider"]),
    );
  });

  test("what is wrong gets the focus", async ({ page, vault }) => {
    await signIn(page, vault);
    await page.goto("/providers/new/filesystem");
    await expect(page.locator("dialog:modal")).toBeVisible();
    await page.getByLabel("Name").fill("has a name");
    await page.getByLabel("Name").press("Enter");
    await expect(page.getByLabel("Folder")).toBeFocused();
    await expect(page.getByLabel("Folder")).toHaveAccessibleDescription(/Folder is required/);
  });
});
