/**
 * Prints what changes in a room, and goes on where it was stopped.
 *
 *     ./task example watch ROOM_JID TOKEN_FILE [TARGET]
 */
import { readFile, writeFile } from "node:fs/promises";
import { argv, exit } from "node:process";
import { ChangeType, connect, type Lifecycle, type WatchEvent, type WatchOptions } from "hatd";

const [, , roomJid, tokenFile, target = "http://127.0.0.1:50051"] = argv;
if (!roomJid || !tokenFile) {
  console.error("usage: watch ROOM_JID TOKEN_FILE [TARGET]");
  exit(64);
}

const client = connect(target);
const start = await keptStart(tokenFile);
for await (const event of client.watch({ selectors: [{ roomJid }], start, onLifecycle: log })) {
  show(event);
  // Only now is the event processed: a token kept before could skip it.
  if (event.token) {
    await writeFile(tokenFile, event.token);
  }
}

async function keptStart(file: string): Promise<WatchOptions["start"]> {
  try {
    return { resumeToken: await readFile(file, "utf8") };
  } catch {
    return "snapshot";
  }
}

function show(event: WatchEvent): void {
  switch (event.kind) {
    case "reset":
      console.log("the state anew");
      break;
    case "snapshot":
      for (const document of event.page.users) {
        console.log(`${document.userJid} has ${Object.keys(document.hats).join(", ")}`);
      }
      break;
    case "changes":
      for (const { userHats, changes } of event.commits.flatMap((commit) => commit.users)) {
        for (const { type, hatId } of changes) {
          console.log(`${ChangeType[type].toLowerCase()} ${hatId} of ${userHats?.userJid ?? ""}`);
        }
      }
      break;
    case "bookmark":
      console.log("up to date");
  }
}

function log(event: Lifecycle): void {
  if (event.kind === "connected") {
    console.error("connected");
  } else {
    const seconds = (event.retryInMs / 1000).toFixed(1);
    console.error(`${event.cause.message}: again in ${seconds} s`);
  }
}
