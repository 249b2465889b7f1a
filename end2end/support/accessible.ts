// What everyone must be able to use: asks axe, and whether anything must be scrolled sideways.

import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, test } from "./vault.ts";

/** Loads an address, waits until it lives, and checks it: axe, and that nothing must be scrolled sideways. */
export async function expectAccessible(page: Page, address: string): Promise<void> {
  await test.step(address, async () => {
    await page.goto(address);
    if ((await page.locator("dialog").count()) > 0) await expect(page.locator("dialog:modal")).toBeVisible();
    await expect(page.getByText("Loading…")).toHaveCount(0);
    await scan(page);
    const { wide, most } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      most: document.documentElement.clientWidth,
    }));
    expect(wide, "the page must be scrolled sideways").toBeLessThanOrEqual(most);
  });
}

/** What axe finds in either colour scheme. */
export async function scan(page: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
    const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html.slice(0, 160)) }));
    expect(found, colorScheme).toEqual([]);
  }
}
