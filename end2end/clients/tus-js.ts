// tus-js-client, as a program for Node uses it.

import { Upload, type UploadOptions } from "tus-js-client";
import { headers, type Recording, said } from "./camera.ts";

/** Long enough for a vault to start again. */
const RETRIES = Array.from({ length: 2_000 }, () => 50);

export interface Told {
  requests: number;
  /** Answers by status. */
  answers: Map<number, number>;
}

/** Begins to upload a recording. */
export function begin(url: string, recording: Recording, options: Partial<UploadOptions>, file: Upload["file"] = recording.bytes): Upload {
  const upload = new Upload(file, {
    endpoint: `${url}/api/storage/tus/`,
    headers: headers(),
    metadata: said(recording),
    retryDelays: RETRIES,
    ...options,
  });
  upload.start();
  return upload;
}

/** Uploads a recording, and waits until the client says that it is there. */
export function upload(
  url: string,
  recording: Recording,
  options: Partial<UploadOptions> = {},
  told: Told = { requests: 0, answers: new Map() },
  file?: Upload["file"],
): Promise<void> {
  return new Promise((arrived, failed) => {
    const events: Partial<UploadOptions> = {
      onBeforeRequest: () => {
        told.requests += 1;
      },
      onAfterResponse: (_, answer) => {
        told.answers.set(answer.getStatus(), (told.answers.get(answer.getStatus()) ?? 0) + 1);
      },
      onSuccess: () => arrived(),
      onError: failed,
    };
    begin(url, recording, { ...events, ...options }, file);
  });
}

/** Does something for each, so many at a time. */
export async function each<T>(all: T[], atATime: number, act: (one: T, at: number) => Promise<unknown>): Promise<void> {
  const left = [...all.entries()].reverse();
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await act(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: atATime }, work));
}
