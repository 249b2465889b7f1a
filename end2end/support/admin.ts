// What tests need to be there before their own story starts: done by the requests the UI's forms make.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { APIRequestContext, Page } from "@playwright/test";
import type { Keys } from "./agent.ts";
import type { Vault } from "./vault.ts";

/** A name no other test uses. */
export const unique = (what: string) => `${what}-${randomBytes(4).toString("hex")}`;

/** Signs the page's browser in, without the page. */
export async function signIn(page: Page, vault: Vault): Promise<void> {
  await submit(page.request, vault, "sign_in", { ...vault.admin, next: "/" });
}

/** Adds a folder as a provider, unless told otherwise one beside the vault's data; gives its name. */
export async function addProvider(page: Page, vault: Vault, name = unique("disk"), path?: string): Promise<string> {
  return addConnection(page, vault, { family: "provider", kind: "filesystem", name }, { path: path ?? join(vault.directory, "stores", name) });
}

/** Adds another vault that recordings can be forwarded to on demand; nobody listens there. */
export async function addVault(page: Page, vault: Vault, name = unique("vault")): Promise<string> {
  const settings = { vault_url: "http://127.0.0.1:9/api", forward_type: "ondemand", access_key: "an-access-key", secret_key: "a secret key" };
  return addConnection(page, vault, { family: "integration", kind: "vault", name }, settings);
}

export interface Webhook {
  name?: string;
  url?: string;
  secret?: string;
}

export async function addWebhook(page: Page, vault: Vault, webhook: Webhook = {}): Promise<string> {
  const settings = { url: webhook.url ?? "http://127.0.0.1:9/recordings", secret: webhook.secret ?? "" };
  return addConnection(page, vault, { family: "integration", kind: "webhook", name: webhook.name ?? unique("hook") }, settings);
}

interface Connection {
  family: "provider" | "integration";
  kind: string;
  name: string;
}

async function addConnection(page: Page, vault: Vault, { family, kind, name }: Connection, settings: Record<string, string>) {
  const named = Object.entries(settings).map(([key, value]) => [`connection[settings][${key}]`, value]);
  await submit(page.request, vault, "save_connection", {
    "connection[family]": family,
    "connection[kind]": kind,
    "connection[id]": "",
    "connection[name]": name,
    "connection[enabled]": "true",
    ...Object.fromEntries(named),
  });
  return name;
}

/** Starts to move the recordings of one provider to another; both by their row's id. */
export async function startMove(page: Page, vault: Vault, id: string, to: string): Promise<void> {
  await submit(page.request, vault, "start_move", { id, to });
}

export interface Account extends Keys {
  id: string;
  name: string;
  provider: string;
}

export interface AccountOptions {
  name?: string;
  provider?: string;
  integrations?: string[];
  directory?: string;
}

/** Adds an account, and a provider for it unless one is named. */
export async function addAccount(page: Page, vault: Vault, options: AccountOptions = {}): Promise<Account> {
  const name = options.name ?? unique("site");
  const provider = options.provider ?? (await addProvider(page, vault));
  const keys = { accessKey: `A${randomBytes(12).toString("hex")}`, secretKey: `S${randomBytes(24).toString("hex")}` };
  const integrations = (options.integrations ?? []).map((name, i) => [`account[integrations][${i}]`, name]);
  const location = await submit(page.request, vault, "save_account", {
    "account[id]": "",
    "account[name]": name,
    "account[enabled]": "true",
    "account[provider]": provider,
    "account[directory]": options.directory ?? "*",
    "account[day_limit]": "30",
    "account[access_key]": keys.accessKey,
    "account[secret_key]": keys.secretKey,
    "account[cloud_analysis]": "true",
    ...Object.fromEntries(integrations),
  });
  const id = /\/accounts\/(\d+)\/keys/.exec(location)?.[1];
  if (!id) throw new Error(`no account was added: ${location}`);
  return { ...keys, id, name, provider };
}

/** Posts a form as a browser without JavaScript does, and gives the address it is sent to. */
async function submit(request: APIRequestContext, vault: Vault, action: string, form: Record<string, string>) {
  const headers = { origin: new URL(vault.url).origin, accept: "text/html" };
  const answer = await request.post(`${vault.url}/api/fn/${action}`, { form, headers, maxRedirects: 0 });
  const location = answer.headers().location ?? "";
  // What was refused comes back as a page with the form filled in, or with an error in the address.
  if (answer.status() !== 302 || /draft=|__err=/.test(location)) {
    throw new Error(`${action}: ${answer.status()} ${location} ${await answer.text()}`);
  }
  return location;
}
