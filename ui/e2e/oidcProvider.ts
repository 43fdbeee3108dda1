/** A real OpenID provider as a process of its own, and the platform whose people sign in with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { AccountsPlatform } from "./accountsPlatform";

const ROOT = join(import.meta.dirname, "../..");
const ROLES = { labelers: { first: ["operator"] } };
const START_MS = 30_000;
const LOOK_MS = 100;

export class OidcProvider {
  private constructor(
    readonly url: string,
    readonly process: ChildProcess,
  ) {}

  static async start(): Promise<OidcProvider> {
    const port = await freePort();
    const child = spawn(
      join(ROOT, ".venv/bin/python"),
      ["-P", "-m", "oidc_provider_mock", "--port", `${port}`, "--require-nonce"],
      { cwd: ROOT, stdio: "ignore" },
    );
    const provider = new OidcProvider(`http://127.0.0.1:${port}`, child);
    for (const until = Date.now() + START_MS; Date.now() < until; ) {
      if (await provider.answers()) return provider;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    child.kill();
    throw new Error("the provider did not start");
  }

  async knows(subject: string, claims: object): Promise<void> {
    const body = JSON.stringify(claims);
    const headers = { "Content-Type": "application/json" };
    await fetch(`${this.url}/users/${encodeURIComponent(subject)}`, { method: "PUT", headers, body });
  }

  /** A platform whose people can sign in with this provider. */
  async platform(): Promise<AccountsPlatform> {
    const port = await freePort();
    return AccountsPlatform.start({
      PORT: `${port}`,
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      OIDC_ISSUER: this.url,
      OIDC_CLIENT_ID: "quorate",
      OIDC_CLIENT_SECRET: "a secret",
      OIDC_NAME: "Example",
      OIDC_ROLES: JSON.stringify(ROLES),
      OIDC_NETWORKS: "127.0.0.0/8",
    });
  }

  end(): void {
    this.process.kill();
  }

  private async answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/.well-known/openid-configuration`)).ok;
    } catch {
      return false;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
