// Taking pictures for the documentation, and what its dialogs are filled with. No value is anybody's.

import { execFile } from "node:child_process";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Page } from "@playwright/test";
import { expect } from "./vault.ts";

const IMAGES = resolve(dirname(fileURLToPath(import.meta.url)), "../../docs/images");

export const run = promisify(execFile);

/** What is in the window. */
export async function take(page: Page, name: string): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const path = join(IMAGES, `${name}.png`);
  await page.screenshot({ path, caret: "hide" });
  await shrink(path);
}

/** The open dialog alone, whole: the window is made high enough for all of it. */
export async function takeDialog(page: Page, name: string): Promise<void> {
  await takeOnly(page, "dialog:modal", name);
}

/** One element alone. */
export async function takeOnly(page: Page, selector: string, name: string): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const path = join(IMAGES, `${name}.png`);
  const before = page.viewportSize()!;
  await page.setViewportSize({ ...before, height: 1600 });
  await page.locator(selector).screenshot({ path, caret: "hide" });
  await page.setViewportSize(before);
  await shrink(path);
}

/** A palette instead of full colour, where there is ffmpeg: a third of the size, and looks the same. */
async function shrink(path: string): Promise<void> {
  const small = path.replace(/png$/, "small.png");
  const palette = "split[a][b];[a]palettegen=max_colors=255[p];[b][p]paletteuse=dither=none";
  try {
    await run("ffmpeg", ["-loglevel", "error", "-y", "-i", path, "-vf", palette, "-pred", "mixed", "-compression_level", "100", small]);
    await rename(small, path);
  } catch (error) {
    await rm(small, { force: true });
    console.warn(`${path} stays as large as it is: ${String(error).slice(0, 300)}`);
  }
}

const PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\\n…\\n-----END PRIVATE KEY-----\\n";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----";
const SECRET = "only for the picture";

/** Name and settings of one connection of each kind. */
export const EXAMPLES: Record<"providers" | "integrations", Record<string, Record<string, string>>> = {
  providers: {
    filesystem: { name: "office-nas", path: "/mnt/nas/recordings" },
    s3: { name: "aws-archive", bucket: "my-recordings", region: "eu-west-1", access_key: "AKIAIOSFODNN7EXAMPLE", secret_key: SECRET },
    minio: { name: "edge-minio-2", bucket: "recordings", host: "minio.example:9000", access_key: "kerberos-vault", secret_key: SECRET },
    ceph: { name: "ceph-rgw", bucket: "recordings", host: "rgw.example:8080", access_key: "kerberos-vault", secret_key: SECRET },
    storj: { name: "storj-eu", bucket: "recordings", host: "gateway.eu1.storjshare.io", access_key: "jx4example", secret_key: SECRET },
    gcs: {
      name: "gcs-archive",
      bucket: "my-recordings",
      service_key: `{\n  "type": "service_account",\n  "client_email": "vault@my-project.iam.gserviceaccount.com",\n  "private_key": "${PRIVATE_KEY}"\n}`,
    },
    azure: { name: "azure-archive", account: "myrecordings", container: "recordings", key: SECRET },
  },
  integrations: {
    kafka: {
      name: "events",
      broker: "kafka-1.example:9093, kafka-2.example:9093",
      topic: "recordings",
      username: "vault",
      password: SECRET,
      mechanism: "SCRAM-SHA-512",
      security: "SASL_SSL",
      ca_certificate: CERTIFICATE,
    },
    sqs: { name: "aws-queue", region: "eu-west-1", topic: "recordings.fifo", access_key: "AKIAIOSFODNN7EXAMPLE", secret_key: SECRET },
    rabbitmq: { name: "rabbit", broker: "amqps://rabbitmq.example:5671", topic: "recordings", username: "vault", password: SECRET },
    hub: { name: "hub", url: "https://api.cloud.kerberos.io", hub_key: SECRET },
    vault: {
      name: "data-centre",
      vault_url: "https://vault.example.com/api",
      provider: "archive",
      forward_type: "ondemand",
      access_key: "site-a",
      secret_key: SECRET,
    },
    webhook: { name: "door-bell", url: "https://example.com/recordings", secret: SECRET, headers: "Authorization: Bearer token" },
  },
};

/** Fills the open dialog of a connection. */
export async function fillConnection(page: Page, { name, ...settings }: Record<string, string>): Promise<void> {
  await page.getByLabel("Name", { exact: true }).fill(name!);
  for (const [key, value] of Object.entries(settings)) {
    const control = page.locator(`[name="connection[settings][${key}]"]`);
    const isSelect = (await control.evaluate((element) => element.tagName)) === "SELECT";
    await (isSelect ? control.selectOption(value) : control.fill(value));
    await control.evaluate((element) => (element.scrollTop = 0));
  }
  await page.getByRole("heading", { level: 2 }).focus();
  await expect(page.locator("[aria-invalid='true']")).toHaveCount(0);
}
