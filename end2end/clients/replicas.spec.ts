// Two vaults on one PostgreSQL, and each upload's requests go to both in turns.

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { test as base } from "@playwright/test";
import { type Balancer, startBalancer } from "../support/balancer.ts";
import { startLine } from "../support/line.ts";
import { SEED } from "../support/random.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { startVault, type Vault } from "../support/vault.ts";
import { declared, expectAll, recordings } from "./camera.ts";
import { expect } from "./site.ts";
import { each, type Told, upload } from "./tus-js.ts";

const KIB = 1024;
const CLIENTS = 8;

interface Pair {
  vaults: Vault[];
  balancer: Balancer;
  receiver: Receiver;
}

const test = base.extend<{ pair: Pair }>({
  pair: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), "kerberos-vault-pair-"));
    const database = await createDatabase();
    const shared = { database: database.url, masterKey: randomBytes(32).toString("base64") };
    const receiver = await startReceiver();
    const toml = declared(receiver, directory);
    const first = await startVault({ shared, toml });
    const vaults = [first, await startVault({ shared, toml })];
    const balancer = await startBalancer(vaults.map(({ url }) => url));
    await use({ vaults, balancer, receiver });
    await balancer.stop();
    await Promise.all(vaults.map((vault) => vault.stop()));
    await receiver.stop();
    await database.drop();
    await rm(directory, { recursive: true, force: true });
  },
});

/** A database of the test's own at the test server. */
async function createDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = process.env.VAULT_TEST_POSTGRES_URL;
  if (!server) throw new Error("VAULT_TEST_POSTGRES_URL is not set: scripts/services start postgres, see CONTRIBUTING.md");
  const name = `clients_${randomBytes(6).toString("hex")}`;
  const run = (statement: string) => promisify(execFile)("psql", [server, "--quiet", "--command", statement]);
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = name;
  return {
    url: url.href,
    drop: async () => {
      await run(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

const small = (count: number, seed: number) => recordings(Array.from({ length: count }, (_, at) => 5 * KIB + at), seed);
const refused = ({ answers }: Told) => [...answers].filter(([status]) => status >= 300);
const nothing = (): Told => ({ requests: 0, answers: new Map() });

test("500 uploads, each brought by both", async ({ pair }) => {
  const sent = small(500, SEED + 30);
  const told = nothing();
  await each(sent, CLIENTS, (one) => upload(pair.balancer.url, one, { chunkSize: 2 * KIB }, told));
  expect(refused(told), "nothing is refused to clients that wait for each answer").toEqual([]);
  const uploads = [...pair.balancer.visited].filter(([path]) => !path.endsWith("/tus/"));
  expect(uploads.length).toBe(sent.length);
  expect(uploads.filter(([, vaults]) => vaults.size < 2)).toEqual([]);
  await expectAll(pair.balancer.url, pair.receiver, sent);
});

test("100 uploads, each brought by both, over a line that is cut", async ({ pair }) => {
  const sent = recordings(Array.from({ length: 100 }, (_, at) => 100 * KIB + at), SEED + 31);
  const line = await startLine(pair.balancer.url, { seed: SEED + 31, most: 150, within: 150 * KIB, resets: true });
  const told = nothing();
  await each(sent, CLIENTS, (one) => upload(line.url, one, { chunkSize: 30 * KIB }, told));
  expect(line.cut, "the line was cut").toBeGreaterThan(20);
  // A client that comes back before the other vault has noticed that its line is cut: it waits and goes on.
  expect(refused(told).filter(([status]) => status !== 409 && status !== 423)).toEqual([]);
  await line.stop();
  await expectAll(pair.balancer.url, pair.receiver, sent);
});

test("100 uploads while one of both is killed", async ({ pair }) => {
  const sent = small(100, SEED + 32);
  const told = nothing();
  let begun = 0;
  await each(sent, CLIENTS, async (one) => {
    begun += 1;
    if (begun === 50) await pair.vaults[1]!.kill();
    await upload(pair.balancer.url, one, { chunkSize: 2 * KIB }, told);
  });
  await expectAll(pair.vaults[0]!.url, pair.receiver, sent);
});
