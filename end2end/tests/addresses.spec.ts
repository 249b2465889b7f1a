// Tests that go through every page and dialog go through support/addresses.ts: nothing that the vault serves may be missing
// there. What it serves is in a list that a test of the server holds to its router.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { everyAddress } from "../support/addresses.ts";
import { signIn } from "../support/admin.ts";
import { expect, test } from "../support/vault.ts";

const LIST = join(dirname(fileURLToPath(import.meta.url)), "../../server/tests/api/snapshots/api__routes__pages.snap");

test("every page there is is among the addresses", async ({ page, vault }) => {
  const list = (await readFile(LIST, "utf8")).split("---\n").at(-1)!.trim().split("\n");
  expect(list.length).toBeGreaterThan(25);
  await signIn(page, vault);
  const { pages, dialogs } = await everyAddress(page, vault);
  const paths = [...pages, ...dialogs].map((address) => new URL(address, vault.url).pathname);
  const missing = list.filter((pattern) => {
    const is = new RegExp(`^${pattern.replaceAll(/\{[^}]*\}/g, "[^/]+")}$`);
    // A parameter stands for what has no page of its own.
    return !paths.some((path) => is.test(path) && (!list.includes(path) || path === pattern));
  });
  expect(missing, "to be added to support/addresses.ts").toEqual([]);
});
