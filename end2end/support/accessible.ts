// What everyone must be able to use: asks axe, and whether anything must be scrolled sideways.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type axe from "axe-core";
import { expect, test } from "./vault.ts";

declare global {
  interface Window {
    axe?: typeof axe;
  }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Loads an address, waits until it lives, and checks it: axe, and that nothing must be scrolled sideways. */
export async function expectAccessible(page: Page, address: string, shows: "page" | "dialog" = "page"): Promise<void> {
  await test.step(address, async () => {
    await page.goto(address);
    const dialogs = shows === "dialog" ? 1 : 0;
    await expect(page.locator("dialog")).toHaveCount(dialogs);
    await expect(page.locator("dialog:modal")).toHaveCount(dialogs);
    await expect(page.getByText("Loading…")).toHaveCount(0);
    await scan(page);
    const { wide, most } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      most: document.documentElement.clientWidth,
    }));
    expect(wide, "the page must be scrolled sideways").toBeLessThanOrEqual(most);
  });
}

/** What axe finds in either colour scheme. It is loaded into the page once: that takes longer than asking it. */
export async function scan(page: Page): Promise<void> {
  expect(page.frames(), "axe is asked of one frame").toHaveLength(1);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  for (const colorScheme of ["light", "dark"] as const) {
    // A colour on its way from one scheme to the other has neither's contrast.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const { passed, found } = await page.evaluate(async (values) => {
      const { passes, violations } = await window.axe!.run(document, { runOnly: { type: "tag", values } });
      const found = violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((n) => n.html.slice(0, 160)) }));
      return { passed: passes.length, found };
    }, TAGS);
    expect(found, colorScheme).toEqual([]);
    expect(passed, "rules that had something to look at").toBeGreaterThan(10);
  }
}
