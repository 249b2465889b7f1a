// The pictures of the documentation: fills a vault as a small company's might look and photographs it.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { type Account, addAccount, addProvider, addVault, addWebhook, signIn } from "./support/admin.ts";
import { fileName, heartbeat, recordingFixture, store } from "./support/agent.ts";
import { EXAMPLES, fillConnection, run, take, takeDialog, takeOnly } from "./support/pictures.ts";
import { expect, startVault, test, type Vault } from "./support/vault.ts";

const HOUR = 3_600_000;

/** Camera, key, and account it uploads with. */
const CAMERAS = [
  ["Loading dock", "rtm-loading-dock", "rotterdam"],
  ["Gate north", "rtm-gate-north", "rotterdam"],
  ["Cold store", "rtm-cold-store", "rotterdam"],
  ["Entrance", "gnt-entrance", "ghent"],
  ["Till 2", "gnt-till-2", "ghent"],
  ["Car park", "gnt-car-park", "ghent"],
] as const;

type Site = (typeof CAMERAS)[number][2];

/** The file declares one provider, so that the first start makes none of its own. Nobody listens there. */
const TOML = `
[[provider]]
name = "edge-minio"
kind = "minio"
bucket = "recordings"
host = "minio.example:9000"
access_key = "vault"
secret_key = "only for the picture"
`;

test("pictures", async ({ page, context, browser }) => {
  const receiver = await startReceiver();
  let vault = await startVault({ toml: TOML });
  try {
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.goto(`${vault.url}/sign-in`);
    await take(page, "sign-in");

    await signIn(page, vault);
    const accounts = await fill(page, vault, `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/recordings`);
    await vault.stop({ keep: true });
    await changeDatabase(vault);
    vault = await startVault({ toml: TOML, directory: vault.directory });
    await context.clearCookies();
    await signIn(page, vault);
    for (const [name, key] of CAMERAS.slice(0, 5)) await heartbeat(vault.url, agent(name, key));
    await heartbeat(vault.url, { ...agent("Forklift", "rtm-forklift"), hostname: "agent-spare" });

    for (const [name, address] of [
      ["dashboard", "/"],
      ["media", "/media"],
      ["cameras", "/cameras"],
      ["deliveries", "/deliveries"],
      ["providers", "/providers"],
      ["integrations", "/integrations"],
      ["accounts", "/accounts"],
      ["help", "/help"],
    ] as const) {
      await open(page, vault, address);
      await take(page, name);
    }
    await page.emulateMedia({ colorScheme: "dark" });
    for (const [name, address] of [
      ["dashboard-dark", "/"],
      ["media-dark", "/media"],
    ] as const) {
      await open(page, vault, address);
      await take(page, name);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await dialogs(page, vault, accounts.rotterdam);

    const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    await signIn(phone, vault);
    await open(phone, vault, "/media");
    await take(phone, "media-phone");
    await phone.close();
  } finally {
    await vault.stop();
    receiver.close();
  }
});

async function dialogs(page: Page, vault: Vault, account: Account): Promise<void> {
  await open(page, vault, "/media");
  await page.getByRole("link", { name: /^Play/ }).first().click();
  const video = page.locator("dialog:modal video");
  await expect.poll(() => video.evaluate((v: HTMLVideoElement) => v.currentTime)).toBeGreaterThan(2);
  await video.evaluate((v: HTMLVideoElement) => v.pause());
  await take(page, "player");

  await open(page, vault, "/providers/new");
  await take(page, "provider-kinds");
  await open(page, vault, "/providers/new/filesystem");
  await page.getByLabel("Name").fill("office-nas");
  await page.getByLabel("Folder").fill("recordings/office");
  await validate(page, "passed");
  await takeDialog(page, "validate-passed");
  await page.getByLabel("Folder").fill("/proc/recordings");
  await validate(page, "failed");
  await takeDialog(page, "validate-failed");
  for (const family of ["providers", "integrations"] as const) {
    for (const [kind, settings] of Object.entries(EXAMPLES[family])) {
      await open(page, vault, `/${family}/new/${kind}`);
      await fillConnection(page, settings);
      await takeDialog(page, `${family.slice(0, -1)}-${kind}`);
    }
  }

  await open(page, vault, "/accounts/new");
  await page.getByLabel("Account name").fill("antwerp");
  await page.getByLabel("Main provider").selectOption("edge-minio");
  await page.getByLabel("Directory").fill("antwerp");
  await takeDialog(page, "account-dialog");
  await open(page, vault, `/accounts/${account.id}/keys`);
  await takeDialog(page, "agent-settings");

  await open(page, vault, "/providers");
  await takeOnly(page, ".moves", "moves");
  await page.getByRole("link", { name: "Move recordings of warehouse-disk" }).click();
  await takeDialog(page, "move-dialog");
  await open(page, vault, "/media/forward?id=all&account=rotterdam");
  await takeDialog(page, "forward-dialog");
  await open(page, vault, "/integrations");
  await page.getByRole("link", { name: "Send events to alarm-desk again" }).click();
  await replay(page);
  await takeDialog(page, "replay-dialog");
}

/** Asks how many events of the last days there are. */
async function replay(page: Page): Promise<void> {
  const day = (daysAgo: number) => new Date(Date.now() - daysAgo * 24 * HOUR).toISOString().slice(0, 11) + "00:00";
  await page.getByLabel("Stored from").fill(day(1));
  await page.getByLabel("Until").fill(day(-1));
  await page.getByRole("button", { name: "Count events" }).click();
  await expect(page.getByTestId("replay-question")).toBeVisible();
}

async function validate(page: Page, outcome: string): Promise<void> {
  await page.getByRole("button", { name: "Validate" }).click();
  await expect(page.getByTestId("report")).toContainText(`Validation ${outcome}`);
}

/** Loads an address and waits until it lives and has its content. */
async function open(page: Page, vault: Vault, address: string): Promise<void> {
  await page.goto(vault.url + address, { waitUntil: "networkidle" });
  await expect(page.getByText("Loading…")).toHaveCount(0);
  if ((await page.locator("dialog").count()) > 0) await expect(page.locator("dialog:modal")).toBeVisible();
}

const agent = (name: string, key: string) => ({ key, name, hostname: `agent-${key.slice(0, 3)}` });

async function fill(page: Page, vault: Vault, webhook: string): Promise<Record<Site, Account>> {
  await addProvider(page, vault, "warehouse-disk", "recordings/warehouse");
  await addProvider(page, vault, "shop-disk", "recordings/shop");
  await addWebhook(page, vault, { name: "alarm-desk", url: webhook, secret: "a signing secret" });
  // Nobody listens there: its deliveries wait.
  await addWebhook(page, vault, { name: "number-plates", url: "http://127.0.0.1:9/plates" });
  await addVault(page, vault, "head-office");
  const accounts: Record<Site, Account> = {
    rotterdam: await addAccount(page, vault, {
      name: "rotterdam",
      provider: "warehouse-disk",
      integrations: ["alarm-desk", "number-plates"],
      directory: "rotterdam",
    }),
    ghent: await addAccount(page, vault, {
      name: "ghent",
      provider: "shop-disk",
      integrations: ["alarm-desk"],
      directory: "ghent",
    }),
  };
  for (const [name, key] of CAMERAS) await heartbeat(vault.url, agent(name, key));
  const clips = await makeClips();
  const now = Date.now();
  for (let i = 41; i >= 0; i--) {
    const [name, device, account] = CAMERAS[(i * 7 + ((i * i) % 5)) % CAMERAS.length]!;
    const { body, durationMs } = clips[i % clips.length]!;
    const recordedAt = new Date(now - (i * i * 6 * HOUR) / (41 * 41) - 40_000 - i * 1237);
    // A box that players skip makes each one's content its own.
    const unlike = Buffer.concat([body, freeBox(i)]);
    const file = fileName(name, recordedAt, durationMs);
    await store(vault.url, accounts[account], { file, device, directory: account, body: unlike });
  }
  return accounts;
}

/** Scenes of several lengths, if there is ffmpeg; else the fixture. */
async function makeClips(): Promise<{ body: Buffer; durationMs: number }[]> {
  const folder = await mkdtemp(join(tmpdir(), "kerberos-vault-clips-"));
  const scene = (seconds: number, hue: number) =>
    [
      `gradients=s=1280x720:r=12:d=${seconds}:speed=0.008:n=3:c0=0x1b2733:c1=0x5d7585:c2=0x2f4858`,
      `hue=h=${hue}`,
      "drawbox=x=0:y=470:w=1280:h=250:color=0x0b1116@0.55:t=fill",
      ...[150, 560, 970].map((x) => `drawbox=x=${x}:y=250:w=190:h=300:color=0xc9d6dd@0.16:t=fill`),
      `drawtext=text='%{pts\\:hms}':x=40:y=36:fontsize=34:fontcolor=white:box=1:boxcolor=black@0.4:boxborderw=12`,
    ].join(",");
  try {
    const clips = [];
    for (const [i, seconds] of [12, 18, 24, 9, 31].entries()) {
      const file = join(folder, `${i}.mp4`);
      const encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "30", "-pix_fmt", "yuv420p", "-movflags", "+faststart"];
      await run("ffmpeg", ["-loglevel", "error", "-f", "lavfi", "-i", scene(seconds, i * 24), ...encode, file]);
      clips.push({ body: await readFile(file), durationMs: seconds * 1000 });
    }
    return clips;
  } catch (error) {
    console.warn(`the fixture is used instead of clips: ${String(error).slice(0, 300)}`);
    return [{ body: await recordingFixture(), durationMs: 12_000 }];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function freeBox(number: number): Buffer {
  const content = Buffer.alloc(400 + number * 971, number);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + content.length);
  head.write("free", 4, "ascii");
  return Buffer.concat([head, content]);
}

/**
 * Figures of the days before, which no upload of today can make, and a move that somebody has paused half-way. Left out
 * where there is no Python.
 */
async function changeDatabase(vault: Vault): Promise<void> {
  const script = `
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
today = int(time.time() // 86400)
for i in range(1, 14):
    for (account,) in db.execute("SELECT id FROM accounts").fetchall():
        n = 26 + (i * 7 + account * 11) % 19 - (14 if (today - i + 4) % 7 in (0, 6) else 0)
        db.execute("INSERT INTO usage_days (day, account_id, recordings, bytes) VALUES (?, ?, ?, ?)", (today - i, account, n, n * 231_000 + i * 40_000))
ids = dict(db.execute("SELECT name, id FROM connections").fetchall())
db.execute("""INSERT INTO moves (from_provider_id, to_provider_id, state, after_id, total, moved, moved_bytes, failed, last_error, lease_until, started_at, finished_at)
    VALUES (?, ?, 'paused', 0, 1218, 846, 1931204117, 0, '', 0, ?, 0)""", (ids["shop-disk"], ids["warehouse-disk"], int(time.time() * 1000)))
db.commit()`;
  const database = join(vault.directory, "data", "vault.db");
  await run("python3", ["-c", script, database]).catch((error) => console.warn(`nothing of earlier: ${String(error).slice(0, 300)}`));
}

/** The endpoint of the webhook. */
async function startReceiver(): Promise<Server> {
  const server = createServer((request, answer) => {
    request.resume().on("end", () => answer.end());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return server;
}
