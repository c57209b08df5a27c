// Bundles what runs in a browser: the page of the conformance adapter, and the example.
import { build } from "esbuild";

await build({
  entryPoints: {
    "conformance/page.bundle": "build/conformance/page.js",
    "examples/browser/page.bundle": "build/examples/browser/page.js",
  },
  outdir: "build",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  logLevel: "warning",
});
