import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, open, test } from "./fixtures";

interface Got {
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A receiver on this machine, which answers with `status`. */
class Receiver {
  status = 200;
  readonly got: Got[] = [];
  readonly #server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      this.got.push({ headers: request.headers, body });
      response.writeHead(this.status).end();
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/in`;
  }

  close(): void {
    this.#server.close();
  }
}

function signature(secret: string, { headers, body }: Got): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}

test("an admin makes a webhook, sees what came of a delivery, sends it again, and removes it", async ({
  page,
  platform,
}) => {
  const receiver = new Receiver();
  const url = await receiver.start();
  const name = new URL(url).host;
  receiver.status = 500;
  await open(page, platform, "hooks", "/admin/webhooks");
  await page.getByRole("button", { name: "Make a webhook" }).click();
  await page.getByLabel("Address").fill(url);
  await page.getByLabel("a task completed").uncheck();
  await page.getByRole("button", { name: "Make it" }).click();
  await expect(page.getByRole("alert")).toHaveText("Choose one event at least.");
  await page.getByLabel("a task completed").check();
  await page.getByRole("button", { name: "Make it" }).click();
  const shown = page.getByRole("status", { name: "Its secret" });
  await expect(shown).toHaveText(/^whsec_/);
  const secret = (await shown.textContent()) ?? "";
  await page.getByText("Close", { exact: true }).click();
  await expect(page.getByText(secret)).toHaveCount(0);

  const { id } = await platform.json("POST", "/api/tasks", { name: "Told", labels: ["a", "b"] });
  await platform.json("POST", `/api/tasks/${id}/seal`, {});
  await page.getByRole("link", { name: `Deliveries: ${name}` }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("cell", { name: /^answered 500/ })).toBeVisible({ timeout: 500 });
  }).toPass();
  receiver.status = 204;
  await page.getByRole("button", { name: /^Send again/ }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("cell", { name: "delivered", exact: true })).toBeVisible({ timeout: 500 });
  }).toPass();
  const [first, last] = [receiver.got[0], receiver.got.at(-1)];
  expect(last?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  if (last) expect(last.headers["webhook-signature"]).toBe(signature(secret, last));
  expect(JSON.parse(last?.body ?? "").data.task_id).toBe(id);

  await page.getByRole("link", { name: "All webhooks" }).click();
  await page.getByRole("button", { name: `Pause: ${name}` }).click();
  await expect(page.getByRole("button", { name: `Go on: ${name}` })).toBeVisible();
  await page.getByRole("button", { name: `New secret: ${name}` }).click();
  await page.getByRole("button", { name: "New secret", exact: true }).click();
  await expect(shown).toHaveText(/^whsec_/);
  await page.getByText("Close", { exact: true }).click();
  await expect(page.getByText(/^old secret until/)).toBeVisible();
  await page.getByRole("button", { name: `Remove: ${name}` }).click();
  await page.getByLabel(`Type ${name}`).fill("another");
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByRole("alert")).toHaveText("That is not its name.");
  await page.getByLabel(`Type ${name}`).fill(name);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(page.getByText(url)).toHaveCount(0);
  receiver.close();
});
