// Writes .br and .gz beside every file of the build, so that the platform compresses nothing while it serves.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("../shared/page/dist/", import.meta.url).pathname;
const text = new Set([".html", ".js", ".css", ".svg", ".json"]);

for (const name of readdirSync(dist, { recursive: true })) {
  if (!text.has(extname(name))) continue;
  const content = readFileSync(join(dist, name));
  writeFileSync(join(dist, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(dist, `${name}.gz`), gzipSync(content, { level: 9 }));
}
