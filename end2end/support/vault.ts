// A real vault for tests: the built binary on a free port of this machine, with an empty data folder.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test as base } from "@playwright/test";
import { START, STOP } from "./limits.ts";

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

export interface Vault {
  /** Without a slash at the end. */
  url: string;
  /** The path of `url` below which it lies; mostly none. */
  below: string;
  /** Holds vault.toml, the data folder and the log; removed by `stop`. */
  directory: string;
  admin: { username: string; password: string };
  /** What the server has printed so far. */
  log(): Promise<string>;
  /** Ends the process as an operator does (SIGTERM) and waits for it. Keeps the folder with `keep`. */
  stop(options?: { keep?: boolean }): Promise<void>;
  /** Ends the process as a power cut does (SIGKILL) and waits for it. Keeps the folder. */
  kill(): Promise<void>;
}

export interface Options {
  /** More lines of vault.toml, for example [[provider]] sections. */
  toml?: string;
  /** Start again on what an earlier vault left behind (`stop({ keep: true })`). */
  directory?: string;
  /** A path of its public address: `/nvr/vault`. */
  below?: string;
  /** A database that several vaults share, and what seals its secrets; else one of its own. */
  shared?: { database: string; masterKey: string };
  /** Other sites whose pages may ask for playlists. */
  corsOrigins?: string[];
}

export async function startVault(options: Options = {}): Promise<Vault> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "kerberos-vault-test-")));
  const below = options.below ?? "";
  const url = `http://127.0.0.1:${await freePort()}${below}`;
  const admin = { username: "root", password: "test-password-1" };
  const configuration = join(directory, "vault.toml");
  await writeFile(configuration, toml(url, directory, admin, options) + (options.toml ?? ""));

  const logFile = join(directory, "log");
  const output = await open(logFile, "a");
  const child = spawn(binary(), ["--config", configuration], {
    cwd: directory,
    env: environment(),
    stdio: ["ignore", output.fd, output.fd],
  });
  await output.close();

  const vault: Vault = {
    url,
    below,
    directory,
    admin,
    log: () => readFile(logFile, "utf8"),
    stop: async ({ keep = false } = {}) => {
      await end(child);
      if (!keep) await rm(directory, { recursive: true, force: true });
    },
    kill: async () => {
      const ended = new Promise<void>((done) => child.once("exit", () => done()));
      if (child.kill("SIGKILL")) await ended;
    },
  };
  try {
    await answers(url, child);
  } catch (error) {
    const log = await vault.log();
    await vault.stop().catch(() => undefined);
    throw new Error(`${String(error)}\n${binary()} printed:\n${log.slice(-4000)}`);
  }
  return vault;
}

/** Playwright's `test`, with a vault per worker: `page.goto("/")` goes there. */
export const test = base.extend<object, { vault: Vault; below: string | undefined }>({
  below: [undefined, { option: true, scope: "worker" }],
  vault: [
    async ({ below }, use) => {
      const vault = await startVault({ below });
      await use(vault);
      await vault.stop();
    },
    { scope: "worker" },
  ],
  baseURL: ({ vault }, use) => use(vault.url),
  page: async ({ page, vault }, use) => {
    const goto = page.goto.bind(page);
    page.goto = (address, options) => goto(at(vault, address), options);
    await use(page);
  },
});

/** A page's address: links have the path below which the vault lies, tests leave it out. */
function at({ below }: Vault, address: string): string {
  return address.startsWith("/") && !`${address}/`.startsWith(`${below}/`) ? below + address : address;
}

export { expect } from "@playwright/test";

function toml(url: string, directory: string, admin: Vault["admin"], { shared, corsOrigins = [] }: Options): string {
  return `[server]
listen = "${new URL(url).host}"
public_url = "${url}"
cors_origins = ${JSON.stringify(corsOrigins)}
[data]
dir = "${join(directory, "data")}"
${shared ? `master_key = "${shared.masterKey}"` : ""}
[database]
url = "${shared?.database ?? `sqlite://${join(directory, "data", "vault.db")}`}"
[admin]
username = "${admin.username}"
password = "${admin.password}"
`;
}

/** What `make test` built, or what cargo left where it usually does. */
function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? "target";
  return process.env.VAULT_BINARY ?? resolve(REPOSITORY, target, "debug/kerberos-vault");
}

/** The developer's own settings must not reach the vault under test. */
function environment(): NodeJS.ProcessEnv {
  const ours = (name: string) => /^(VAULT|KERBEROS|LEPTOS)_/.test(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours(name)));
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (address && typeof address === "object" ? found(address.port) : failed(new Error("no port"))));
    });
  });
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  let broken: Error | undefined;
  child.once("error", (error) => (broken = error));
  const giveUp = Date.now() + START;
  while (Date.now() < giveUp) {
    if (broken) throw broken;
    if (child.exitCode !== null) throw new Error(`the vault ended with status ${child.exitCode}`);
    const response = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((wait) => setTimeout(wait, 50));
  }
  throw new Error(`the vault did not answer ${url}/api/health within ${START / 1000} s`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  let killed = false;
  const killer = setTimeout(() => (killed = child.kill("SIGKILL")), STOP);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(killer);
  if (killed) throw new Error(`the vault did not stop within ${STOP / 1000} s`);
}
