/** The real embedded platform, started by the project's own program, and what tests do to it over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { preview } from "vite";

/** Who answers the page: `vite preview` in front of the platform, or the platform itself. */
const SERVED_BY: "preview" | "platform" = "platform";
const ROOT = join(import.meta.dirname, "../..");
export const LABELS = ["red square", "green square", "blue square"];

/** Files in one request. */
const AT_ONCE = 32;

export interface Picture {
  name: string;
  bytes: Uint8Array;
}

export interface Vote {
  voter: string;
  /** Null where the voter was unsure. */
  label: string | null;
  mode: string;
  took_ms: number | null;
}

export class Platform {
  readonly url: string;
  readonly pageUrl: string;
  /** The folder of the sample pictures. */
  readonly pictures: string;
  /** A folder of this platform alone; it goes when the platform ends. */
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #close: () => Promise<void>;

  private constructor(
    process: ChildProcess,
    lines: AsyncIterator<string>,
    said: { url: string; pictures: string; folder: string },
    page: { url: string; close: () => Promise<void> },
  ) {
    this.#process = process;
    this.#lines = lines;
    this.url = said.url;
    this.pictures = said.pictures;
    this.folder = said.folder;
    this.pageUrl = page.url;
    this.#close = page.close;
  }

  static async start(): Promise<Platform> {
    const process = spawn(join(ROOT, ".venv/bin/python"), ["-P", "-m", "loadtest.page_platform"], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
    const said = JSON.parse((await lines.next()).value ?? "null");
    return new Platform(process, lines, said, await servePage(said.url));
  }

  /** SIGKILL; what it had not written is lost. */
  kill(): Promise<void> {
    return this.#tell("kill");
  }

  restart(): Promise<void> {
    return this.#tell("start");
  }

  /** Draws so many small pictures, no two alike; returns their folder. */
  async smallPictures(count: number): Promise<string> {
    await this.#tell(`small ${count}`);
    return join(this.folder, "small");
  }

  /** Draws a photograph of so many megapixels; returns its file. */
  async largePicture(megapixels: number): Promise<string> {
    await this.#tell(`large ${megapixels}`);
    return join(this.folder, `large-${megapixels}.jpg`);
  }

  async #tell(command: string): Promise<void> {
    this.#process.stdin?.write(`${command}\n`);
    await this.#lines.next();
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.stdin?.end();
    await ended;
    await this.#close();
  }

  /** The sample pictures, in order of name. */
  samples(): Picture[] {
    return pictured(this.pictures).filter(({ name }) => name.startsWith("sample"));
  }

  /** A sealed task with so many sample pictures. */
  task(name: string, count: number, more: object = {}): Promise<string> {
    return this.taskOf(name, this.samples().slice(0, count), more);
  }

  /** A sealed task with these pictures. */
  async taskOf(name: string, pictures: readonly Picture[], more: object = {}): Promise<string> {
    const { id } = await this.json("POST", "/api/tasks", {
      name,
      labels: LABELS,
      instructions: "Which colour has most squares?\nCount them. If two colours tie, take the brighter one.",
      quorum: { votes_required: 5 },
      detector: { mode: "accept", accept_confidence: 1 },
      ...more,
    });
    for (let first = 0; first < pictures.length; first += AT_ONCE) {
      const form = new FormData();
      for (const { name, bytes } of pictures.slice(first, first + AT_ONCE))
        form.append("images", new Blob([new Uint8Array(bytes)]), name);
      const uploaded = await fetch(`${this.url}/api/tasks/${id}/images`, { method: "POST", body: form });
      if (!uploaded.ok) throw new Error(await uploaded.text());
    }
    await this.json("POST", `/api/tasks/${id}/seal`, {});
    return id;
  }

  /** Every vote on a task's images, by image. */
  async votes(taskId: string): Promise<Map<string, Vote[]>> {
    const votes = new Map<string, Vote[]>();
    for (const id of await this.images(taskId)) votes.set(id, (await this.json("GET", `/api/subtasks/${id}`)).votes);
    return votes;
  }

  /** The ids of a task's images, all pages of them. */
  async images(taskId: string): Promise<string[]> {
    const ids: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const more: string = cursor && `&cursor=${encodeURIComponent(cursor)}`;
      const { items, next_cursor } = await this.json("GET", `/api/tasks/${taskId}/images?limit=200${more}`);
      ids.push(...items.map(({ image_id }: { image_id: string }) => image_id));
      cursor = next_cursor;
    }
    return ids;
  }

  /** Takes a user's leases from them, as their end would. */
  async giveBack(user: string, subtaskId: string): Promise<void> {
    await fetch(`${this.url}/api/leases/${subtaskId}`, { method: "DELETE", headers: { "X-Quorate-User": user } });
  }

  /** Asks the platform as a user. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need from the answer
  async json(method: string, path: string, body?: object, user = "local"): Promise<any> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { "Content-Type": "application/json", "X-Quorate-User": user },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer.json();
  }
}

/** The files of a folder, in order of name. */
export function pictured(folder: string): Picture[] {
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

async function servePage(platformUrl: string): Promise<{ url: string; close: () => Promise<void> }> {
  if (SERVED_BY === "platform") return { url: platformUrl, close: async () => undefined };
  process.env.QUORATE_URL = platformUrl;
  const server = await preview({ root: join(ROOT, "ui"), preview: { port: 0, host: "127.0.0.1" }, logLevel: "error" });
  const url = server.resolvedUrls?.local[0] ?? "";
  return { url: url.replace(/\/$/, ""), close: () => server.close() };
}
