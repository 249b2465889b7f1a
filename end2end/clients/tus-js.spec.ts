// tus-js-client against a vault: over a good line, over one that is cut, and while the vault is killed.

import { Readable } from "node:stream";
import type { Upload, UploadOptions } from "tus-js-client";
import { chance, SEED } from "../support/random.ts";
import { expectAll, headers, recordings } from "./camera.ts";
import { expect, test } from "./site.ts";
import { begin, each, type Told, upload } from "./tus-js.ts";

const KIB = 1024;
/** Sizes at and beside what a folder takes as a part, 512 KiB. */
const SIZES = [1, 63 * KIB, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 1_500 * KIB, 3_000 * KIB + 7];
/** Head of a request. */
const HEAD = 1 * KIB;

const WAYS: { name: string; options: Partial<UploadOptions>; streams?: boolean }[] = [
  { name: "whole", options: {} },
  { name: "in chunks", options: { chunkSize: 100 * KIB } },
  { name: "in chunks as large as a part", options: { chunkSize: 512 * KIB } },
  { name: "with the first bytes in the creation", options: { chunkSize: 200 * KIB, uploadDataDuringCreation: true } },
  { name: "whole in the creation", options: { uploadDataDuringCreation: true } },
  // No size is a multiple of this: there the client itself waits for ever for more of its stream.
  { name: "with a length that is known at the end", options: { chunkSize: 150 * KIB + 1, uploadLengthDeferred: true }, streams: true },
];

/** A stream that does not know how long it is, as tus-js-client takes it in Node. */
const stream = (bytes: Buffer) =>
  Readable.from([bytes.subarray(0, bytes.length / 3), bytes.subarray(bytes.length / 3)].filter((part) => part.length > 0), {
    objectMode: false,
  }) as unknown as Upload["file"];

const told = (): Told => ({ requests: 0, answers: new Map() });

for (const { name, options, streams } of WAYS) {
  test(`${name}`, async ({ site }) => {
    const sent = recordings(SIZES, SEED);
    const all = told();
    await each(sent, 3, (one) => upload(site.vault.url, one, options, all, streams ? stream(one.bytes) : undefined));
    expect([...all.answers.keys()].filter((status) => status >= 300)).toEqual([]);
    await expectAll(site.vault.url, site.receiver, sent);
  });

  test(`${name}, over a line that is cut`, async ({ site }) => {
    const sent = recordings(SIZES, SEED + 1);
    const line = await site.line({ seed: SEED, most: 60, within: 700 * KIB, resets: true });
    await each(sent, 3, (one) => upload(line.url, one, options, told(), streams ? stream(one.bytes) : undefined));
    expect(line.cut, "the line was cut").toBeGreaterThan(5);
    await expectAll(site.vault.url, site.receiver, sent);
  });
}

for (const chunkSize of [64 * KIB, 600 * KIB]) {
  test(`what is cut off is sent again by at most a chunk of ${chunkSize / KIB} KiB`, async ({ site }) => {
    const sent = recordings([6_000 * KIB], SEED + 2);
    const line = await site.line({ seed: SEED + 2, most: 25, within: 900 * KIB });
    const all = told();
    await each(sent, 1, (one) => upload(line.url, one, { chunkSize }, all));
    const again = line.sent - sent[0]!.bytes.length - all.requests * HEAD;
    expect(line.cut, "the line was cut").toBeGreaterThan(5);
    expect(again, `bytes sent again after ${line.cut} cuts`).toBeLessThanOrEqual(line.cut * chunkSize);
    await expectAll(site.vault.url, site.receiver, sent);
  });
}

test("while the vault is killed, and killed again", async ({ site }) => {
  const sent = recordings([...SIZES, ...SIZES, 2_000 * KIB, 5_000 * KIB], SEED + 3);
  const line = await site.line();
  const next = chance(SEED + 3);
  const options = [{ chunkSize: 64 * KIB }, {}, { chunkSize: 256 * KIB, uploadDataDuringCreation: true }, { chunkSize: 700 * KIB }];
  const uploads = each(sent, 4, (one, at) => upload(line.url, one, options[at % options.length]));
  const kills = (async () => {
    for (let kill = 0; kill < 4; kill++) {
      await line.reaches(line.sent + (0.2 + next()) * 2_500 * KIB);
      await site.dies();
    }
  })();
  await Promise.all([uploads, kills]);
  await expectAll(site.vault.url, site.receiver, sent);
});

test("an upload that is given up is gone", async ({ site }) => {
  const [one] = recordings([400 * KIB], SEED + 4);
  const given = await new Promise<string>((gone, failed) => {
    const client: Upload = begin(site.vault.url, one!, {
      chunkSize: 64 * KIB,
      onChunkComplete: () => client.abort(true).then(() => gone(client.url!), failed),
      onSuccess: () => failed(new Error("it was not given up")),
      onError: failed,
    });
  });
  const asked = await fetch(given, { method: "HEAD", headers: { ...headers(), "Tus-Resumable": "1.0.0" } });
  expect(asked.status).toBe(404);
  // Begun anew it arrives.
  await upload(site.vault.url, one!, { chunkSize: 64 * KIB });
  await expectAll(site.vault.url, site.receiver, [one!]);
});
