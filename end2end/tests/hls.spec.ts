// A page of another site plays what cameras recorded, by HLS: across recordings, fragmented or not, and the gap between them.

import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "@playwright/test";
import { fileName, fragmentedFixture, recordingFixture, store } from "../support/agent.ts";
import { expect, startVault, test } from "../support/vault.ts";

const HLS = dirname(createRequire(import.meta.url).resolve("hls.js/package.json"));
const KEYS = { accessKey: "AccessKeyOfHls", secretKey: "XJoi2@bgSOvOYBy#" };
const PAGE = `<!doctype html><title>Hub</title><script src="/hls.js"></script><video muted></video>`;
const START = new Date("2026-03-01T12:00:00Z");

/** Another site, with a player. */
async function site(): Promise<{ origin: string; server: Server }> {
  const script = await readFile(join(HLS, "dist/hls.min.js"));
  const server = createServer((asked, answer) => {
    const isScript = asked.url === "/hls.js";
    answer.setHeader("content-type", isScript ? "text/javascript" : "text/html").end(isScript ? script : PAGE);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const later = (seconds: number) => new Date(START.getTime() + seconds * 1000);

/** Asks the vault for a playlist as the page does, and plays it; answers how long it is. */
function play(page: Page, vault: string, body: object): Promise<number> {
  return page.evaluate(
    async ({ vault, body, keys }) => {
      const headers = {
        "Content-Type": "application/json",
        "X-Kerberos-Storage-AccessKey": keys.accessKey,
        "X-Kerberos-Storage-SecretAccessKey": keys.secretKey,
        "X-Kerberos-Storage-Provider": "",
      };
      const answer = await fetch(`${vault}/api/hls`, { method: "POST", headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(await answer.text());
      const playlist = URL.createObjectURL(new Blob([await answer.text()], { type: "application/vnd.apple.mpegurl" }));
      // eslint-disable-next-line @typescript-eslint/no-explicit-any
      const Hls = (window as any).Hls;
      const video = document.querySelector("video")!;
      const hls = new Hls();
      const errors: string[] = ((window as any).errors = []);
      hls.on(Hls.Events.ERROR, (_: unknown, error: { fatal: boolean; details: string; reason?: string }) => {
        if (error.fatal) errors.push(`${error.details} ${error.reason ?? ""}`);
      });
      hls.attachMedia(video);
      hls.loadSource(playlist);
      await new Promise<void>((loaded, failed) => {
        hls.on(Hls.Events.LEVEL_LOADED, () => loaded());
        hls.on(Hls.Events.ERROR, () => errors.length > 0 && failed(new Error(errors.join())));
      });
      await new Promise((ready) => (video.readyState > 0 ? ready(0) : video.addEventListener("loadedmetadata", ready, { once: true })));
      return video.duration;
    },
    { vault, body, keys: KEYS },
  );
}

/** Goes to a second of the timeline and plays half a second from there. */
async function plays(page: Page, second: number) {
  await page.evaluate(async (second) => {
    const video = document.querySelector("video")!;
    video.currentTime = second;
    await video.play();
  }, second);
  const at = () =>
    page.evaluate(() => {
      const video = document.querySelector("video")!;
      const errors = (window as unknown as { errors: string[] }).errors;
      if (errors.length > 0) throw new Error(errors.join());
      return video.readyState >= 3 ? video.currentTime : -1;
    });
  await expect.poll(at).toBeGreaterThan(second + 0.5);
  const frames = await page.evaluate(() => document.querySelector("video")!.getVideoPlaybackQuality().totalVideoFrames);
  expect(frames).toBeGreaterThan(0);
  await page.evaluate(() => document.querySelector("video")!.pause());
}

test("a player plays and seeks across recordings and a gap", async ({ page }) => {
  const { origin, server } = await site();
  const vault = await startVault({
    corsOrigins: [origin],
    toml: `[[provider]]
name = "disk"
kind = "filesystem"
path = "recordings"
[[account]]
name = "hls"
provider = "disk"
directory = "hls"
access_key = "${KEYS.accessKey}"
secret_key = "${KEYS.secretKey}"
`,
  });
  try {
    // Two of twelve seconds, one right behind the other, and an ordinary MP4 after a gap of a minute.
    const bodies = [await fragmentedFixture(), await fragmentedFixture(), await recordingFixture()];
    for (const [n, seconds] of [0, 12, 84].entries()) {
      const file = fileName("Gate", later(seconds));
      await store(vault.url, KEYS, { file, device: "gate", directory: "hls", body: bodies[n]! });
    }
    await page.goto(origin);
    const start = Math.floor(START.getTime() / 1000);
    const duration = await play(page, vault.url, { device: ["gate"], start, end: start + 100 });
    expect(Math.round(duration)).toBe(36);
    // From one recording into the next; back; behind the gap; across it; close to the end.
    for (const second of [0, 11.8, 4, 30, 23.8, 35]) await plays(page, second);
  } finally {
    await vault.stop();
    server.close();
  }
});

test("the page of a site that is not configured gets nothing", async ({ page, vault }) => {
  const { origin, server } = await site();
  await page.goto(origin);
  await expect(play(page, vault.url, { device: ["gate"], start: 0, end: 1 })).rejects.toThrow("Failed to fetch");
  server.close();
});
