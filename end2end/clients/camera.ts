// A camera's account at a vault, what was sent for it, and whether all of that arrived.

import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { fileName, type Keys } from "../support/agent.ts";
import { bytes } from "../support/random.ts";
import type { Receiver } from "../support/receiver.ts";

export const KEYS: Keys = { accessKey: "AccessKeyOfTheClients", secretKey: "XJoi2@bgSOvOYBy#" };
const DIRECTORY = "site-a";
/** Reads at a time. */
const READERS = 8;

export interface Recording {
  file: string;
  bytes: Buffer;
}

/** Lines of vault.toml: an account that stores in a folder and tells a receiver. */
export function declared(receiver: Receiver, folder: string): string {
  return `[[provider]]
name = "disk"
kind = "filesystem"
path = "${join(folder, "recordings")}"
[[integration]]
name = "hook"
kind = "webhook"
url = "${receiver.url}"
[[account]]
name = "${DIRECTORY}"
provider = "disk"
directory = "${DIRECTORY}"
integrations = ["hook"]
access_key = "${KEYS.accessKey}"
secret_key = "${KEYS.secretKey}"
`;
}

/** Recordings of the sizes, from devices of their own. */
export function recordings(sizes: number[], seed: number): Recording[] {
  return sizes.map((size, at) => ({
    file: fileName(`Gate${at}x${randomUUID().slice(0, 8)}`),
    bytes: bytes(size, seed + at),
  }));
}

/** What is said of a recording. */
export const said = ({ file }: Recording) => ({
  filename: file,
  device: "front-door",
  capture: "IPCamera",
  directory: DIRECTORY,
});

export const headers = (keys: Keys = KEYS) => ({
  "X-Kerberos-Storage-AccessKey": keys.accessKey,
  "X-Kerberos-Storage-SecretAccessKey": keys.secretKey,
});

/** That a vault gives back every byte, and one event was sent for each recording, none for anything else. */
export async function expectAll(url: string, receiver: Receiver, sent: Recording[]): Promise<void> {
  const left = [...sent];
  const read = async () => {
    for (let next = left.pop(); next; next = left.pop()) await expectStored(url, next);
  };
  await Promise.all(Array.from({ length: READERS }, read));

  const keys = sent.map(({ file }) => `${DIRECTORY}/${file}`).sort();
  // One that was cut off from its answer is sent again, with the same id.
  const events = () => new Map(receiver.taken.map(({ id, payload }) => [id, payload.key]));
  await receiver.until("an event per recording", () => new Set(events().values()).size >= keys.length);
  expect([...events().values()].sort(), "one event per recording").toEqual(keys);
}

async function expectStored(url: string, { file, bytes }: Recording): Promise<void> {
  const asked = { ...headers(), "X-Kerberos-Storage-FileName": `${DIRECTORY}/${file}` };
  const answer = await fetch(`${url}/api/storage/blob`, { headers: asked });
  expect(answer.status, file).toBe(200);
  expect(hash(Buffer.from(await answer.arrayBuffer())), `the bytes of ${file}`).toBe(hash(bytes));
}

const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
