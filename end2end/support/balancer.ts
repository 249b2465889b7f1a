// In front of several vaults: gives each of an upload's requests to another one than the request before. One that takes no
// connections gets no more.

import { Agent, createServer, request as send } from "node:http";
import type { AddressInfo } from "node:net";

export interface Balancer {
  /** Without a slash at the end. */
  url: string;
  /** How often each status was answered. */
  answers: Map<number, number>;
  /** Which vaults an upload's requests went to, by its address. */
  visited: Map<string, Set<string>>;
  stop(): Promise<void>;
}

export async function startBalancer(targets: string[]): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true });
  const turns = new Map<string, number>();
  const up = [...targets];

  const server = createServer((asked, answer) => {
    const path = asked.url ?? "/";
    const turn = turns.get(path) ?? 0;
    turns.set(path, turn + 1);
    // A creation is a turn, too: the first bytes go to the other vault.
    const target = up[turn % up.length]!;
    const { hostname, port } = new URL(target);
    const passed = send({ agent, hostname, port, path, method: asked.method, headers: asked.headers }, (got) => {
      const status = got.statusCode ?? 0;
      balancer.answers.set(status, (balancer.answers.get(status) ?? 0) + 1);
      balancer.visited.set(path, (balancer.visited.get(path) ?? new Set()).add(target));
      answer.writeHead(status, got.headers);
      got.pipe(answer);
      got.on("error", () => answer.destroy());
    });
    passed.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" && up.includes(target)) up.splice(up.indexOf(target), 1);
      answer.destroy();
    });
    asked.on("error", () => passed.destroy());
    answer.on("close", () => answer.writableFinished || passed.destroy());
    asked.pipe(passed);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: new Map(),
    visited: new Map(),
    stop: async () => {
      server.closeAllConnections();
      agent.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return balancer;
}
