// Deliveries: seen, retried, sent again, tried out, and lost only when somebody says so.

import type { Page } from "@playwright/test";
import { addAccount, addWebhook, signIn, unique } from "../support/admin.ts";
import { fileName, recordingFixture, store } from "../support/agent.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { expect, test, type Vault } from "../support/vault.ts";

let receiver: Receiver;
test.beforeEach(async () => {
  receiver = await startReceiver();
});
test.afterEach(() => receiver.stop());

/** An account that tells a webhook of its own; uploads as many recordings, and gives their file names. */
async function furnish(page: Page, vault: Vault, recordings: number) {
  await signIn(page, vault);
  const name = await addWebhook(page, vault, { name: unique("desk"), url: receiver.url });
  const account = await addAccount(page, vault, { integrations: [name] });
  const body = await recordingFixture();
  const start = Date.now() - recordings * 60_000;
  const files = Array.from({ length: recordings }, (_, i) => fileName(`Gate${i}`, new Date(start + i * 60_000)));
  for (const [i, file] of files.entries()) {
    // No two may be the same.
    const small = Buffer.concat([body.subarray(0, 2_000), Buffer.from(`free ${i}`)]);
    await store(vault.url, account, { file, device: `gate-${name}`, directory: "g", body: small });
  }
  return { name, account, files };
}

/** The health line of an integration, reloaded until it says something. */
async function expectLine(page: Page, name: string, text: string | RegExp) {
  await expect(async () => {
    await page.goto("/deliveries");
    await expect(line(page, name)).toContainText(text, { timeout: 500 });
  }).toPass();
}

const line = (page: Page, name: string) => page.getByTestId("health").filter({ hasText: name });
const rows = (page: Page) => page.locator("table.deliveries tbody tr");

/** Every delivery of one integration, in one state. */
async function open(page: Page, name: string, state: string) {
  await page.goto("/deliveries");
  await page.getByLabel("Integration").selectOption(name);
  await page.getByLabel("State").selectOption(state);
  await page.getByRole("button", { name: "Filter" }).click();
  const named = state === "Set aside" ? "deferred" : state.toLowerCase();
  await expect(page).toHaveURL(new RegExp(`state=${named}`));
}

test.describe("deliveries", { tag: "@plain" }, () => {
  test("what is refused is set aside, seen with its reason, and retried", async ({ page, vault }) => {
    receiver.answer = 422;
    const { name, files } = await furnish(page, vault, 3);
    await expectLine(page, name, "The endpoint answers 422");
    await expectLine(page, name, "3 set aside");
    await expectLine(page, name, "Refuses some");
    await page.goto("/integrations");
    await expect(page.getByRole("row", { name })).toContainText("Set aside 3");
    await page.getByRole("row", { name }).getByRole("link", { name: /Set aside/ }).click();
    await expect(rows(page)).toHaveCount(3);
    await expect(rows(page).first()).toContainText(files[2]!);
    await expect(rows(page).first()).toContainText("it refuses the event");

    receiver.answer = 200;
    await page.getByRole("button", { name: `Retry ${files[1]}` }).click();
    await expect(page.getByText("It is being tried again.")).toBeVisible();
    await expect.poll(() => receiver.taken[0]?.payload.key).toBe(`g/${files[1]}`);
    // What is taken says that the endpoint is well: the others follow by themselves.
    await expect.poll(() => receiver.taken.length).toBe(3);
    await expectLine(page, name, "Up to date");
    await open(page, name, "Delivered");
    await expect(rows(page)).toHaveCount(3);
    await page.getByRole("link", { name: "Clear" }).click();
    await expect(page).toHaveURL("/deliveries");
  });

  test("those that failed for one reason are retried together", async ({ page, vault }) => {
    receiver.answer = 422;
    const { name, account, files } = await furnish(page, vault, 2);
    await expectLine(page, name, "2 set aside");
    receiver.answer = 404;
    const late = fileName("Late", new Date());
    const body = Buffer.concat([(await recordingFixture()).subarray(0, 2_000), Buffer.from("free late")]);
    await store(vault.url, account, { file: late, device: `late-${name}`, directory: "g", body });
    await expectLine(page, name, "3 set aside");
    const why = line(page, name).getByRole("list", { name: `Why ${name} does not get some events` });
    await expect(why.getByRole("listitem")).toHaveText([
      /^The endpoint answers 422: it refuses the event\..*2 set aside.*Retry these$/,
      /^The endpoint answers 404: there is nothing at this path\..*1 set aside.*Retry these$/,
    ]);

    // By keyboard, and none but those: they are refused again, with what is answered now.
    const button = why.getByRole("button", { name: new RegExp(`^Retry these of ${name}, 2 set aside: The endpoint answers 422`) });
    await button.focus();
    await page.keyboard.press("Enter");
    await expect(page.getByText("They are being tried again.")).toBeVisible();
    await expect(async () => {
      await page.goto("/deliveries");
      await expect(why.getByRole("listitem")).toHaveText([/404.*3 set aside/], { timeout: 500 });
    }).toPass();

    // From one of them.
    receiver.answer = 200;
    await open(page, name, "Set aside");
    await rows(page).getByRole("link", { name: files[0] }).first().click();
    const dialog = page.getByRole("dialog", { name: "Delivery" });
    await expect(dialog).toContainText("Next try");
    await dialog.getByRole("button", { name: "Retry all with this reason" }).click();
    await expect(page.getByText("They are being tried again.")).toBeVisible();
    await expect.poll(() => receiver.taken.length).toBe(3);
    await expectLine(page, name, "Up to date");
    await expect(why).toHaveCount(0);
  });

  test("a delivery shows the event as it was sent", async ({ page, vault }) => {
    const { name, files } = await furnish(page, vault, 1);
    await expectLine(page, name, "Up to date");
    await open(page, name, "Delivered");
    const filtered = page.url();
    const row = rows(page).getByRole("link", { name: files[0] }).first();
    // Until the filtered list is there, the rows of the one before are shown.
    await expect(row).toHaveAttribute("href", /state=delivered/);
    await row.click();
    const dialog = page.getByRole("dialog", { name: "Delivery" });
    await expect(dialog).toContainText("Stored");
    const shown = await dialog.locator("pre").innerText();
    expect(shown.startsWith('{\n  "events": [\n    "monitor",')).toBe(true);
    expect(JSON.parse(shown)).toEqual(receiver.taken[0]);
    await dialog.getByRole("link", { name: "Close" }).first().click();
    await expect(page).toHaveURL(filtered);
  });

  test("a period is sent again after counting and asking", async ({ page, vault }) => {
    const { name, account } = await furnish(page, vault, 4);
    await expect.poll(() => receiver.taken.length).toBe(4);
    const before = [...receiver.taken];
    await page.goto("/integrations");
    await page.getByRole("link", { name: `Send events to ${name} again` }).click();
    const dialog = page.getByRole("dialog", { name: "Send events again" });
    const minute = (offset: number) => new Date(Date.now() + offset * 60_000).toISOString().slice(0, 16);

    await dialog.getByLabel("Stored from").fill(minute(-5));
    await dialog.getByLabel("Until").fill(minute(-10));
    await dialog.getByRole("button", { name: "Count events" }).click();
    await expect(dialog.getByRole("alert").filter({ hasText: "Until must be later than From" })).toBeVisible();
    await dialog.getByLabel("Until").fill(minute(-4));
    await dialog.getByRole("button", { name: "Count events" }).click();
    await expect(dialog).toContainText("No recording of these accounts was stored in this period.");

    await dialog.getByLabel("Until").fill(minute(5));
    await dialog.getByLabel("Account").selectOption(account.name);
    await dialog.getByRole("button", { name: "Count events" }).click();
    const question = dialog.getByTestId("replay-question");
    await expect(question).toContainText(`Send 4 events to ${name} again?`);
    await expect(question).toContainText(account.name);
    expect(receiver.taken, "nothing is sent before somebody confirms").toHaveLength(4);
    await dialog.getByRole("button", { name: "Send 4 events again" }).click();
    await expect(page.getByText("The period's events are being sent again.")).toBeVisible();

    await expect.poll(() => receiver.taken.length).toBe(8);
    const again = receiver.taken.slice(4);
    expect(again.map((event) => event.payload.key)).toEqual(before.map((event) => event.payload.key));
    expect(new Set(receiver.taken.map((event) => event.id)).size, "fresh ids").toBe(8);
    await page.goto("/integrations");
    await page.getByRole("link", { name: `Send events to ${name} again` }).click();
    await expect(dialog).toBeVisible(); // only then is the dialog's address that of the page
    await expect(async () => {
      await page.reload();
      await expect(dialog.getByRole("row", { name: account.name })).toContainText("Done", { timeout: 500 });
    }).toPass();
    await open(page, name, "Delivered");
    await expect(rows(page).filter({ hasText: "Replay" })).toHaveCount(4);
  });

  test("a test event tells whether it got there, before saving and after", async ({ page, vault }) => {
    await signIn(page, vault);
    const name = unique("try");
    await page.goto("/integrations/new/webhook");
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByLabel("URL").fill(receiver.url);
    await dialog.getByRole("button", { name: "Send test event" }).click();
    await expect(dialog.getByTestId("report")).toContainText("The test event was delivered");
    expect(receiver.taken.map((event) => event.request)).toEqual(["test"]);
    receiver.answer = 503;
    await dialog.getByRole("button", { name: "Send test event" }).click();
    await expect(dialog.getByTestId("report")).toContainText("The test event was not delivered");
    await expect(dialog.getByTestId("report")).toContainText("The endpoint answers 503");
    await dialog.getByRole("button", { name: "Add integration" }).click();
    await expect(page.getByText("Integration added.")).toBeVisible();

    for (const list of ["/integrations", "/deliveries"]) {
      receiver.answer = 200;
      await page.goto(list);
      await page.getByRole("button", { name: `Send test event to ${name}` }).click();
      await expect(page.getByText("The test event was delivered.")).toBeVisible();
      receiver.answer = 403;
      await page.goto(list);
      await page.getByRole("button", { name: `Send test event to ${name}` }).click();
      await expect(page.getByRole("alert").filter({ hasText: "The test event was not delivered." })).toContainText("403");
    }
    await page.goto(`/deliveries?state=delivered`);
    await expect(rows(page).filter({ hasText: name }), "the outbox knows nothing of it").toHaveCount(0);
  });

  test("an integration is deleted with its backlog only when the box is ticked", async ({ page, vault }) => {
    receiver.answer = 503;
    const { name, account } = await furnish(page, vault, 2);
    await expectLine(page, name, "Failing");
    await page.goto(`/accounts/${account.id}`);
    await page.getByRole("dialog").getByLabel(name).uncheck();
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await expect(page.getByText("Account saved.")).toBeVisible();

    await page.goto("/integrations");
    await page.getByRole("link", { name: `Delete ${name}` }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog).toContainText("2 deliveries still wait.");
    const box = dialog.getByLabel("Delete it with its 2 waiting deliveries");
    await dialog.getByRole("button", { name: "Delete integration" }).click();
    await expect(box, "the browser asks for the box to be ticked").toBeFocused();
    // Whoever gets round the browser is refused by the vault.
    const action = await dialog.locator("form").getAttribute("action");
    const id = await dialog.locator("input[name=id]").inputValue();
    const headers = { origin: vault.url };
    const answer = await page.request.post(vault.url + action, { form: { family: "integration", id }, headers });
    expect(answer.status()).toBe(409);

    await box.check();
    await dialog.getByRole("button", { name: "Delete integration" }).click();
    await expect(page.getByText("Integration deleted.")).toBeVisible();
    await expect(page.getByRole("row", { name })).toHaveCount(0);
  });
});
