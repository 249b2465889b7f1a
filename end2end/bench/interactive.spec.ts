// How long until a page lives, in a browser that has never seen it. Called by the benchmark (bench/src/measure/page.rs).

import { writeFile } from "node:fs/promises";
import { type Browser, test } from "@playwright/test";

declare global {
  interface Window {
    interactiveAt?: number;
  }
}

const url = required("BENCH_URL");
const loads = Number(required("BENCH_LOADS"));

/** Each runs in the page before anything else does, and notes when the page first reacts. */
const pages = [
  { page: "sign-in", path: "/sign-in", signedIn: false, watch: clickUntilShown },
  { page: "Media", path: "/media", signedIn: true, watch: pressUntilHandled },
];

test("until a page reacts", async ({ browser }) => {
  const results = [];
  for (const { page, path, signedIn, watch } of pages) {
    const samples = [];
    for (let load = 0; load < loads; load++) samples.push(await measure(browser, path, signedIn, watch));
    results.push({ page, painted: samples.map((s) => s.painted), interactive: samples.map((s) => s.interactive) });
  }
  await writeFile(required("BENCH_RESULT"), JSON.stringify(results));
});

/** Milliseconds from the start of the navigation. */
async function measure(browser: Browser, path: string, signedIn: boolean, watch: () => void) {
  const context = await browser.newContext();
  if (signedIn) await signIn(context.request);
  await context.addInitScript(watch);
  const page = await context.newPage();
  await page.goto(url + path, { waitUntil: "commit" });
  await page.waitForFunction(() => window.interactiveAt !== undefined);
  const sample = await page.evaluate(() => ({
    interactive: window.interactiveAt ?? Number.NaN,
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
  }));
  await context.close();
  return sample;
}

async function signIn(request: import("@playwright/test").APIRequestContext) {
  const answer = await request.post(`${url}/api/fn/sign_in`, {
    form: { username: required("BENCH_USERNAME"), password: required("BENCH_PASSWORD"), next: "/" },
    headers: { origin: url, accept: "text/html" },
    maxRedirects: 0,
  });
  if (answer.status() !== 302) throw new Error(`signing in: ${answer.status()} ${await answer.text()}`);
}

function clickUntilShown() {
  const timer = setInterval(() => {
    const button = document.querySelector<HTMLButtonElement>(".sign-in button[aria-pressed]");
    if (button?.getAttribute("aria-pressed") === "true") {
      window.interactiveAt = performance.now();
      clearInterval(timer);
    } else {
      button?.click();
    }
  }, 4);
}

function pressUntilHandled() {
  const timer = setInterval(() => {
    const press = new KeyboardEvent("keydown", { key: "/", bubbles: true, cancelable: true });
    // false once somebody has handled it
    if (document.body && !document.body.dispatchEvent(press)) {
      window.interactiveAt = performance.now();
      clearInterval(timer);
    }
  }, 4);
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this through make bench`);
  return value;
}
