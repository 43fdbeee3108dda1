import react from "@vitejs/plugin-react";
import { defineConfig, type HtmlTagDescriptor, type Plugin } from "vite";

const platform = process.env.QUORATE_URL ?? "http://127.0.0.1:8080";
const toPlatform = Object.fromEntries(
  ["/api", "/jobs", "/objects", "/healthz"].map((path) => [path, { target: platform }]),
);

// The platform sends this policy with the page; `vite preview` sends it too, so that tests meet it either way.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

/** Two chunks are always loaded: a first small one that asks for what is shown first, and all that the page begins with. */
const FIRST = "early";
const PAGE = "page";

/** Has the browser load the page's code along with the first chunk, which imports it later. */
const pageAlong: Plugin = {
  name: "page-along",
  transformIndexHtml: {
    order: "post",
    handler(_, { bundle = {} }) {
      const page = Object.values(bundle).find((file) => file.type === "chunk" && file.name === PAGE);
      if (page?.type !== "chunk") return [];
      const scripts = [page.fileName, ...page.imports].filter((file) => bundle[file]?.name !== FIRST);
      const styles = [...(page.viteMetadata?.importedCss ?? [])];
      return [...scripts.map((file) => link("modulepreload", file)), ...styles.map((file) => link("stylesheet", file))];
    },
  },
  // Most of it runs at once. Compiled while it loads, off the page's thread, it is not compiled there piece by piece.
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === "chunk" && file.name === PAGE) file.code = `//# allFunctionsCalledOnLoad\n${file.code}`;
    },
  },
};

function link(rel: string, file: string): HtmlTagDescriptor {
  return { tag: "link", attrs: { rel, crossorigin: true, href: `/${file}` }, injectTo: "head" };
}

export default defineConfig({
  plugins: [react(), pageAlong],
  server: { proxy: toPlatform },
  preview: { proxy: toPlatform, headers: { "Content-Security-Policy": policy } },
  build: {
    outDir: "../shared/page/dist",
    emptyOutDir: true,
    target: ["chrome123", "firefox121", "safari17.5"],
    cssTarget: ["chrome123", "firefox121", "safari17.5"], // older ones make Vite rewrite light-dark()
    assetsInlineLimit: 0, // inlined assets would need `data:` in the policy
    modulePreload: { polyfill: false }, // it would be an inline script
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: FIRST, test: /src\/early\.ts$/, priority: 1 },
            { name: PAGE, test: /src\/main\.tsx$/ },
          ],
        },
      },
    },
  },
});
