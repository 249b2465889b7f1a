// Uppy in a browser against a vault: over a good line, over one that is cut, and while the vault is killed.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { build } from "esbuild";
import { SEED } from "../support/random.ts";
import { expectAll, headers, type Recording, recordings, said } from "./camera.ts";
import { expect, test } from "./site.ts";
import type { Asked } from "./uppy.page.ts";

const KIB = 1024;
const SIZES = [1, 300 * KIB, 512 * KIB, 1_500 * KIB, 3_000 * KIB + 7];
/** Long enough for a vault to start again. */
const RETRIES = Array.from({ length: 2_000 }, () => 50);

let script: string;
test.beforeAll(async () => {
  const page = join(dirname(fileURLToPath(import.meta.url)), "uppy.page.ts");
  const built = await build({ entryPoints: [page], bundle: true, write: false, platform: "browser", format: "iife" });
  script = built.outputFiles[0]!.text;
});

/** A page at the vault's own address that uploads the recordings. */
async function uploadAll(page: Page, url: string, sent: Recording[], options: Asked["options"]): Promise<void> {
  await page.route(`${url}/page/*`, (route) => {
    const asked = new URL(route.request().url()).pathname.split("/").pop()!;
    const recording = sent.find(({ file }) => file === asked);
    if (recording) return route.fulfill({ contentType: "video/mp4", body: recording.bytes });
    return route.fulfill({ contentType: "text/html", body: `<script>${script.replaceAll("</script", "<\\/script")}</script>` });
  });
  await page.goto(`${url}/page/index`);
  const files = sent.map((one) => ({ address: `${url}/page/${one.file}`, said: said(one) }));
  const all = { endpoint: `${url}/api/storage/tus/`, headers: headers(), retryDelays: RETRIES, ...options };
  const told = await page.evaluate((asked) => globalThis.uploadAll(asked), { files, options: all } as Asked);
  expect(told).toEqual({ arrived: sent.length, failed: [] });
}

for (const { name, options } of [
  { name: "whole", options: {} },
  { name: "in chunks", options: { chunkSize: 200 * KIB } },
  { name: "in chunks, the first one with the creation", options: { chunkSize: 200 * KIB, uploadDataDuringCreation: true } },
]) {
  test(`${name}`, async ({ site, page }) => {
    const sent = recordings(SIZES, SEED + 10);
    await uploadAll(page, site.vault.url, sent, options);
    await expectAll(site.vault.url, site.receiver, sent);
  });

  test(`${name}, over a line that is cut`, async ({ site, page }) => {
    const sent = recordings(SIZES, SEED + 11);
    const line = await site.line({ seed: SEED + 11, most: 40, within: 900 * KIB, resets: true });
    await uploadAll(page, line.url, sent, options);
    expect(line.cut, "the line was cut").toBeGreaterThan(3);
    await expectAll(site.vault.url, site.receiver, sent);
  });
}

test("while the vault is killed", async ({ site, page }) => {
  const sent = recordings([...SIZES, 4_000 * KIB], SEED + 12);
  const line = await site.line();
  const uploads = uploadAll(page, line.url, sent, { chunkSize: 128 * KIB });
  const kills = (async () => {
    for (let kill = 0; kill < 2; kill++) {
      await line.reaches(line.sent + 1_500 * KIB);
      await site.dies();
    }
  })();
  await Promise.all([uploads, kills]);
  await expectAll(site.vault.url, site.receiver, sent);
});
