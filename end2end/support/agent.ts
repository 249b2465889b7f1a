// What a Kerberos Agent sends, the way it sends it: chunked, without a length, with its headers.

import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const FIXTURES = resolve(dirname(fileURLToPath(import.meta.url)), "../../fixtures");
const CHUNK = 64 * 1024;

export interface Keys {
  accessKey: string;
  secretKey: string;
}

export interface Recording {
  /** Without directory, see `fileName`. */
  file: string;
  /** Device key. */
  device: string;
  directory: string;
  body: Buffer;
  provider?: string;
}

/** Twelve seconds of H.264; browsers can seek in it. */
export const recordingFixture = () => readFile(resolve(FIXTURES, "recording.mp4"));

/** The same, fragmented as newer agents write it: a fragment of two seconds for each keyframe. */
export const fragmentedFixture = () => readFile(resolve(FIXTURES, "fragmented.mp4"));

/** `<unix seconds>_<n>-<microseconds>_<instance>_<region>_<changes>_<token>.mp4` */
export function fileName(instance: string, recordedAt = new Date(), durationMs = 12_000): string {
  const micros = String(recordedAt.getMilliseconds() * 1000).padStart(6, "0");
  return `${Math.floor(recordedAt.getTime() / 1000)}_6-${micros}_${instance}_200-200-400-400_24_${durationMs}.mp4`;
}

/** Sends a recording; an agent takes exactly 200 for success. */
export function upload(vaultUrl: string, keys: Keys, recording: Recording): Promise<{ status: number; text: string }> {
  const headers = {
    "Content-Type": "video/mp4",
    "X-Kerberos-Storage-AccessKey": keys.accessKey,
    "X-Kerberos-Storage-SecretAccessKey": keys.secretKey,
    "X-Kerberos-Storage-Provider": recording.provider ?? "",
    "X-Kerberos-Storage-Directory": recording.directory,
    "X-Kerberos-Storage-FileName": recording.file,
    "X-Kerberos-Storage-Device": recording.device,
    "X-Kerberos-Storage-Capture": "IPCamera",
  };
  return new Promise((answered, failed) => {
    // Several writes without Content-Length: node sends Transfer-Encoding: chunked.
    const sent = request(`${vaultUrl}/api/storage`, { method: "POST", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => (text += part));
      answer.on("end", () => answered({ status: answer.statusCode ?? 0, text }));
    });
    sent.on("error", failed);
    for (let at = 0; at < recording.body.length; at += CHUNK) sent.write(recording.body.subarray(at, at + CHUNK));
    sent.end();
  });
}

/** Like `upload`, and throws unless the vault took it. */
export async function store(vaultUrl: string, keys: Keys, recording: Recording): Promise<void> {
  const { status, text } = await upload(vaultUrl, keys, recording);
  if (status !== 200) throw new Error(`the vault answered ${status}: ${text}`);
}

/** What an agent says about itself every ten seconds, without credentials. */
export async function heartbeat(vaultUrl: string, camera: { key: string; name: string } & Record<string, unknown>) {
  const { key, name, ...more } = camera;
  const body = {
    key,
    cameraname: name,
    version: "3.5.1",
    release: "1abc",
    hostname: "agent-1",
    architecture: "arm64",
    totalMemory: "8008000",
    usedMemory: "123000",
    mac_list: ["02:42:ac:11:00:02"],
    ip_list: ["192.0.2.24/24"],
    uptime: "2 days",
    cameraConnected: "true",
    numberoffiles: "0",
    timestamp: Math.floor(Date.now() / 1000),
    cameratype: "IPCamera",
    docker: true,
    ...more,
  };
  const answer = await fetch(`${vaultUrl}/api/devices/heartbeat`, { method: "POST", body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the vault answered ${answer.status}: ${await answer.text()}`);
}
