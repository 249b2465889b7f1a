// A webhook's endpoint of this test's own: takes events, or refuses them, as it is told.

import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { EXPECTATION } from "./limits.ts";

export interface Event {
  id: string;
  request: string;
  payload: { key: string };
}

export interface Receiver {
  url: string;
  /** What it answers with from now on. */
  answer: number;
  /** What it has taken, in order. */
  taken: Event[];
  /** Waits until something holds of what it has taken. */
  until(what: string, holds: (taken: Event[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startReceiver(answer = 200): Promise<Receiver> {
  const news = new EventEmitter();
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      if (receiver.answer < 300) receiver.taken.push(JSON.parse(text) as Event);
      news.emit("taken");
      response.writeHead(receiver.answer).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/recordings`,
    answer,
    taken: [],
    until: async (what, holds) => {
      const limit = AbortSignal.timeout(EXPECTATION);
      while (!holds(receiver.taken)) {
        await once(news, "taken", { signal: limit }).catch(() => {
          throw new Error(`the receiver waited in vain: ${what}; it has ${receiver.taken.length} events`);
        });
      }
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return receiver;
}
