/**
 * Serves the page on this machine, and says where.
 *
 *     ./task example browser ROOM_JID [TARGET [LANGUAGE]]
 *
 * hatd must allow the page's origin: `hatd --cors-origins http://127.0.0.1:8080`. With `--look` in
 * front, it opens the page in a Chromium without a window, and prints what the page shows whenever
 * that changes.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { argv, env, exit } from "node:process";
import { chromium } from "playwright-core";

const looks = argv[2] === "--look";
const [roomJid, target, language] = argv.slice(looks ? 3 : 2);
if (!roomJid) {
  console.error("usage: browser [--look] ROOM_JID [TARGET [LANGUAGE]]");
  exit(64);
}

const html = await readFile(new URL("../../../examples/browser/index.html", import.meta.url));
const script = await readFile(new URL("page.bundle.js", import.meta.url));
const server = createServer(({ url = "" }, response) => {
  if (url === "/page.js") {
    response.setHeader("content-type", "text/javascript").end(script);
  } else {
    response.setHeader("content-type", "text/html").end(html);
  }
});
await new Promise<void>((resolve) => {
  server.listen(looks ? 0 : 8080, "127.0.0.1", resolve);
});

const { port } = server.address() as AddressInfo;
const url = new URL(`http://127.0.0.1:${String(port)}/`);
for (const [name, value] of Object.entries({ room: roomJid, target, language })) {
  if (value !== undefined) {
    url.searchParams.set(name, value);
  }
}
if (looks) {
  await look(url);
} else {
  console.log(`open ${url.href}`);
}

/** Prints each user's hats as the page shows them, from then on. */
async function look(url: URL): Promise<void> {
  const browser = await chromium.launch({
    executablePath: env["HATD_CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"],
    // What ends this process ends the browser, too.
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  const page = await browser.newPage({ viewport: { width: 640, height: 400 } });
  await page.exposeFunction("shown", (lines: string[]) => {
    lines.forEach((line) => {
      console.log(line);
    });
  });
  await page.goto(url.href);
  await page.evaluate(() => {
    const before = new Set<string>();
    const tell = () => {
      const rows = [...document.querySelectorAll("#users > li")];
      const texts = (row: Element, name: string) =>
        [...row.querySelectorAll(`.${name}`)].map((part) => part.textContent);
      const now = new Map(rows.map((row) => [texts(row, "user").join(), texts(row, "hat")]));
      const lines = [...now].map(([user, hats]) => `${user}: ${hats.join(", ")}`);
      const gone = [...before].filter((user) => !now.has(user)).map((user) => `${user}: no hat`);
      before.clear();
      now.forEach((_, user) => before.add(user));
      void (globalThis as unknown as { shown: (lines: string[]) => unknown }).shown([
        ...lines.filter((line) => !line.startsWith(":")),
        ...gone.filter((line) => !line.startsWith(":")),
      ]);
    };
    new MutationObserver(tell).observe(document.body, { childList: true, subtree: true });
    tell();
  });
}
