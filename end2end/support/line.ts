// A line between a client and a vault that is cut at bytes which a seed chooses, and leads to another vault when told so.

import { EventEmitter, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { EXPECTATION } from "./limits.ts";
import { chance } from "./random.ts";

export interface Cuts {
  seed: number;
  /** So many connections are cut at most: whoever goes on arrives. */
  most: number;
  /** Bytes towards the vault after which one is cut at the latest. */
  within: number;
  /** Whether some end with a reset, by which what was on its way is lost too. */
  resets?: boolean;
}

export interface Line {
  /** Without a slash at the end. */
  url: string;
  /** Address of the vault that new connections lead to. */
  target: string;
  /** Connections cut so far. */
  cut: number;
  /** Bytes that went to the vault so far. */
  sent: number;
  /** Waits until so many bytes went to the vault. */
  reaches(sent: number): Promise<void>;
  stop(): Promise<void>;
}

/** Where a connection is cut: after so many bytes of a direction. */
interface Cut {
  answers: boolean;
  after: number;
  resets: boolean;
}

export async function startLine(target: string, cuts?: Cuts): Promise<Line> {
  const next = chance(cuts?.seed ?? 0);
  const news = new EventEmitter();
  const open = new Set<Socket>();

  const plan = (): Cut | undefined => {
    if (!cuts) return undefined;
    const [direction, at, manner] = [next(), next(), next()];
    // An answer's head has some hundred bytes.
    const answers = direction < 0.3;
    return { answers, after: Math.floor(at * (answers ? 600 : cuts.within)), resets: !!cuts.resets && manner < 0.5 };
  };

  const server = createServer((client) => {
    const { hostname, port } = new URL(line.target);
    const vault = connect(Number(port), hostname);
    const cut = plan();
    for (const socket of [client, vault]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined); // closes next
    }
    client.on("close", () => vault.destroy());
    vault.on("close", () => client.destroy());
    client.on("close", () => open.delete(client));
    vault.on("close", () => open.delete(vault));

    const end = (resets: boolean) => {
      line.cut += 1;
      for (const socket of [client, vault]) {
        if (resets) socket.resetAndDestroy();
        else socket.end(() => socket.destroy());
      }
    };
    const lead = (from: Socket, to: Socket, answers: boolean) => {
      let passed = 0;
      from.on("data", (all) => {
        if (to.writableEnded || to.destroyed) return;
        const mine = cut && cut.answers === answers && line.cut < (cuts?.most ?? 0) ? cut : undefined;
        const left = mine ? mine.after - passed : Infinity;
        const part = all.length >= left ? all.subarray(0, Math.max(left, 0)) : all;
        passed += part.length;
        if (!answers) {
          line.sent += part.length;
          news.emit("sent");
        }
        if (mine && all.length >= left) {
          from.pause();
          to.write(part, () => end(mine.resets));
        } else if (!to.write(part)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
      from.on("end", () => to.end());
    };
    lead(client, vault, false);
    lead(vault, client, true);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));

  const line: Line = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    cut: 0,
    sent: 0,
    reaches: async (sent) => {
      const limit = AbortSignal.timeout(EXPECTATION);
      while (line.sent < sent) await once(news, "sent", { signal: limit });
    },
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
  return line;
}
