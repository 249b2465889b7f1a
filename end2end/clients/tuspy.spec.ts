// tuspy against a vault: over a good line, over one that is cut, by two programs one after the other, while the vault is killed.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SEED } from "../support/random.ts";
import { expectAll, headers, type Recording, recordings, said } from "./camera.ts";
import { expect, test as base } from "./site.ts";

const KIB = 1024;
const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "tuspy-client.py");
const SIZES = [1, 300 * KIB, 512 * KIB, 1_500 * KIB, 3_000 * KIB + 7];

interface Job {
  chunkSize: number;
  checksum?: boolean;
  /** Offset at which the program ends. */
  stopAt?: number;
  /** Where the uploads are that it goes on with. */
  urls?: string[];
}

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), "kerberos-vault-tuspy-"));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

/** Uploads them one after the other; where they are. */
async function uploadAll(url: string, folder: string, sent: Recording[], job: Job): Promise<string[]> {
  const files = await Promise.all(
    sent.map(async (one, at) => {
      const path = join(folder, one.file);
      await writeFile(path, one.bytes);
      return { path, said: said(one), stop_at: job.stopAt, url: job.urls?.[at] };
    }),
  );
  const program = spawn(process.env.TUSPY_PYTHON ?? "python3", [PROGRAM], { stdio: ["pipe", "pipe", "inherit"] });
  program.stdin.end(
    JSON.stringify({
      endpoint: `${url}/api/storage/tus/`,
      headers: headers(),
      files,
      chunk_size: job.chunkSize,
      checksum: job.checksum ?? false,
      retries: 400,
    }),
  );
  let said_ = "";
  program.stdout.setEncoding("utf8").on("data", (part: string) => (said_ += part));
  const status = await new Promise((ended, failed) => program.on("error", failed).on("close", ended));
  expect(status, "tuspy's program ends well").toBe(0);
  return JSON.parse(said_) as string[];
}

for (const { name, job } of [
  { name: "in chunks", job: { chunkSize: 200 * KIB } },
  { name: "in one chunk", job: { chunkSize: 8_000 * KIB } },
  { name: "in chunks with checksums", job: { chunkSize: 200 * KIB, checksum: true } },
]) {
  test(`${name}`, async ({ site, folder }) => {
    const sent = recordings(SIZES, SEED + 20);
    await uploadAll(site.vault.url, folder, sent, job);
    await expectAll(site.vault.url, site.receiver, sent);
  });

  test(`${name}, over a line that is cut`, async ({ site, folder }) => {
    const sent = recordings(SIZES, SEED + 21);
    const line = await site.line({ seed: SEED + 21, most: 30, within: 600 * KIB, resets: true });
    await uploadAll(line.url, folder, sent, job);
    expect(line.cut, "the line was cut").toBeGreaterThan(3);
    await expectAll(site.vault.url, site.receiver, sent);
  });
}

test("one program begins, another goes on", async ({ site, folder }) => {
  const sent = recordings([900 * KIB, 2_000 * KIB], SEED + 22);
  const urls = await uploadAll(site.vault.url, folder, sent, { chunkSize: 100 * KIB, stopAt: 700 * KIB });
  expect(site.receiver.taken).toEqual([]);
  await uploadAll(site.vault.url, folder, sent, { chunkSize: 100 * KIB, urls });
  await expectAll(site.vault.url, site.receiver, sent);
});

test("while the vault is killed", async ({ site, folder }) => {
  const sent = recordings([...SIZES, 4_000 * KIB], SEED + 23);
  const line = await site.line();
  const uploads = uploadAll(line.url, folder, sent, { chunkSize: 128 * KIB });
  const kills = (async () => {
    for (let kill = 0; kill < 2; kill++) {
      await line.reaches(line.sent + 1_500 * KIB);
      await site.dies();
    }
  })();
  await Promise.all([uploads, kills]);
  await expectAll(site.vault.url, site.receiver, sent);
});
