// People without a mouse.

import type { Locator, Page } from "@playwright/test";

const STOPS = "a[href], button, input, select, textarea, summary, audio, video, [tabindex]";

/** Presses Tab until something has the focus, at most twice round the page: tests before may have left it long lists. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  const focused = () => target.evaluate((element) => element === document.activeElement);
  const presses = 2 * (await page.locator(STOPS).count()) + 10;
  for (let press = 0; press < presses; press++) {
    if (await focused()) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${target}`);
}
