// Settings of several lines that are filled from a file: a service account's key, a certificate.

import { generateKeyPairSync } from "node:crypto";
import type { Page } from "@playwright/test";
import { scan } from "../support/accessible.ts";
import { signIn, unique } from "../support/admin.ts";
import { tabTo } from "../support/keyboard.ts";
import { expect, test } from "../support/vault.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const KEY = JSON.stringify(
  {
    type: "service_account",
    client_email: "vault@project.iam.gserviceaccount.com",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  },
  null,
  2,
);
/** Where nobody answers: a provider may be saved before it can be reached. */
const NOBODY = "http://127.0.0.1:9";
const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

const json = (text: string, name = "vault.json") => ({ name, mimeType: "application/json", buffer: Buffer.from(text) });
const pem = (text: string | Buffer, name = "ca.pem") => ({ name, mimeType: "", buffer: Buffer.from(text) });

async function open(page: Page, address: string) {
  await page.goto(address);
  await expect(page.locator("dialog:modal")).toBeVisible();
}

/** Drops files onto the dialog's heading; says whether the browser was kept from opening them. */
function drop(page: Page, ...files: { name: string; text: string }[]): Promise<boolean> {
  return page.evaluate((files) => {
    const dataTransfer = new DataTransfer();
    for (const { name, text } of files) dataTransfer.items.add(new File([text], name));
    const at = document.querySelector("dialog h2")!;
    const send = (type: string) => !at.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    return [send("dragover"), send("drop")].every(Boolean);
  }, files);
}

test("a key is chosen with the keyboard alone, and is what is saved", async ({ page, vault }) => {
  await signIn(page, vault);
  await open(page, "/providers/new/gcs");
  const name = unique("gcs");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Bucket").fill("my-recordings");
  await page.getByLabel("Endpoint").fill(NOBODY);
  const key = page.getByLabel("Service account key");
  const button = page.getByRole("button", { name: "Choose a file for Service account key" });
  await tabTo(page, button);
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(json(KEY));

  await expect(key).toHaveValue(KEY);
  await expect(key).toBeFocused();
  await expect(page.getByRole("status").filter({ hasText: "vault.json has been read." })).toBeVisible();
  await scan(page);
  await page.getByRole("button", { name: "Add storage provider" }).click();
  await expect(page.getByText("Storage provider added.")).toBeVisible();
  await expect(page.getByRole("row", { name })).toContainText("my-recordings");
});

test("what is dropped anywhere goes to the field, also after another kind was chosen", async ({ page, vault }) => {
  await signIn(page, vault);
  await open(page, "/providers/new/minio");
  expect(await drop(page, { name: "ca.pem", text: CERTIFICATE }), "the browser opens the file instead").toBe(true);
  await expect(page.getByLabel("Certificate authority")).toHaveValue(CERTIFICATE);

  await page.getByLabel("Kind").selectOption("gcs");
  const key = page.getByLabel("Service account key");
  await expect(key).toHaveValue("");
  await expect(page.getByText("ca.pem has been read."), "said of the kind before").toHaveCount(0);
  expect(await drop(page, { name: "vault.json", text: KEY })).toBe(true);
  await expect(key).toHaveValue(KEY);

  expect(await drop(page, { name: "one.json", text: "{}" }, { name: "two.json", text: "{}" })).toBe(true);
  await expect(page.getByRole("alert").filter({ hasText: "Choose one file." })).toBeVisible();
  await expect(key).toHaveValue(KEY);
});

test("a text that is dragged stays the browser's", async ({ page, vault }) => {
  await signIn(page, vault);
  await open(page, "/providers/new/gcs");
  const stopped = await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData("text/plain", "a bucket");
    const at = document.querySelector("dialog input[name='connection[settings][bucket]']")!;
    return !at.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  });
  expect(stopped).toBe(false);
});

for (const [address, label, file, told] of [
  ["/providers/new/gcs", "Service account key", json("-----BEGIN hunter2"), "It is not JSON"],
  ["/providers/new/gcs", "Service account key", json(`{"hunter2": "${"x".repeat(16 * 1024)}"}`), "It is larger than 16 KiB"],
  ["/providers/new/gcs", "Service account key", json(""), "It is empty."],
  ["/providers/new/s3", "Certificate authority", pem(Buffer.from([0x30, 0x82, 0, 0xff])), "convert the certificate to PEM"],
  ["/integrations/new/kafka", "CA certificate", pem(`${CERTIFICATE}-----BEGIN PRIVATE KEY-----\nhunter2`), "It holds a private key"],
  ["/integrations/new/rabbitmq", "CA certificate", pem("hunter2"), "It is not PEM"],
] as const) {
  test(`${address} refuses a file: ${told}`, async ({ page, vault }) => {
    await signIn(page, vault);
    await open(page, address);
    const field = page.getByLabel(label);
    await field.fill("as it was");
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: `Choose a file for ${label}` }).click();
    await (await chooser).setFiles(file);
    const alert = page.getByRole("alert").filter({ hasText: `${file.name} has not been read.` });
    await expect(alert).toContainText(told);
    await expect(alert, "nothing of the content is shown").not.toContainText("hunter2");
    await expect(field).toHaveValue("as it was");
    await scan(page);
  });
}

test("without a script the field is there and the button is not", { tag: "@plain" }, async ({ page, vault, javaScriptEnabled }) => {
  await signIn(page, vault);
  await page.goto("/providers/new/gcs");
  const button = page.getByRole("button", { name: "Choose a file for Service account key" });
  await expect(button).toBeVisible({ visible: javaScriptEnabled });
  const name = unique("gcs-plain");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Bucket").fill("my-recordings");
  await page.getByLabel("Endpoint").fill(NOBODY);
  await page.getByLabel("Service account key").fill(KEY);
  await page.getByRole("button", { name: "Add storage provider" }).click();
  await expect(page.getByRole("row", { name })).toBeVisible();
});
