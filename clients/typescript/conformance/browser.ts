/**
 * The conformance adapter in a browser: starts Chromium with a page from this process, so that its
 * origin is another than hatd's, and hands lines to and fro.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { env, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const script = await readFile(new URL("page.bundle.js", import.meta.url));
const server = createServer(({ url }, response) => {
  if (url === "/page.js") {
    response.setHeader("content-type", "text/javascript").end(script);
  } else {
    const page =
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>';
    response.setHeader("content-type", "text/html").end(page);
  }
});
await new Promise<void>((resolve) => {
  server.listen(0, "127.0.0.1", resolve);
});
const { port } = server.address() as AddressInfo;

// With a profile of its own, which goes with it.
const browser = await chromium.launch({
  executablePath: env["HATD_CHROMIUM"] ?? "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const page = await browser.newPage();
page.on("console", (message) => {
  console.error(message.text());
});
page.on("pageerror", (error) => {
  console.error(error);
});
await page.exposeFunction("reply", (line: string) => {
  stdout.write(`${line}\n`);
});
await page.goto(`http://127.0.0.1:${String(port)}/`);

for await (const line of createInterface({ input: stdin })) {
  await page.evaluate((command) => {
    handle(command);
  }, line);
}
await browser.close();
server.close();
