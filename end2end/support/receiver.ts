// A webhook's endpoint of this test's own: takes events, or refuses them, as it is told.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

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
  stop(): Promise<void>;
}

export async function startReceiver(answer = 200): Promise<Receiver> {
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => (text += part));
    request.on("end", () => {
      if (receiver.answer < 300) receiver.taken.push(JSON.parse(text) as Event);
      response.writeHead(receiver.answer).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/recordings`,
    answer,
    taken: [],
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return receiver;
}
