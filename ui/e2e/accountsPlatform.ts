/** The real embedded platform with authentication on, as on its first start. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "../..");
const SAID = { url: /"Quorate is ready on ([^"]+)"/, link: /"Make the first admin: ([^"]+)"/ };

export class AccountsPlatform {
  private constructor(
    readonly url: string,
    /** The link of the first start. */
    readonly firstLink: string,
    readonly process: ChildProcess,
    readonly folder: string,
  ) {}

  /** `more`: settings without their prefix. */
  static async start(more: Record<string, string> = {}): Promise<AccountsPlatform> {
    const folder = mkdtempSync(join(tmpdir(), "quorate-accounts-"));
    const settings = { AUTH: "on", PORT: "0", HOST: "127.0.0.1", DATA_DIR: folder, LOG_LEVEL: "warning", ...more };
    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`QUORATE_${name}`, value]));
    const child = spawn(join(ROOT, ".venv/bin/python"), ["-P", "-m", "embedded"], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let url = "";
    for await (const line of createInterface({ input: child.stdout })) {
      url = SAID.url.exec(line)?.[1] ?? url;
      const link = SAID.link.exec(line)?.[1];
      if (link) return new AccountsPlatform(url, link, child, folder);
    }
    throw new Error("the platform ended before it printed the link of a first start");
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill();
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}
