/**
 * Shows the hats of everybody in a room, as displayed, whenever they change.
 *
 *     ./task example mirror ROOM_JID [TARGET [LANGUAGE]]
 */
import { argv, exit } from "node:process";
import { connect } from "hatd";

const [, , roomJid, target = "http://127.0.0.1:50051", language] = argv;
if (!roomJid) {
  console.error("usage: mirror ROOM_JID [TARGET [LANGUAGE]]");
  exit(64);
}

const client = connect(target);
const mirror = client.mirror({ selectors: [{ roomJid }] });
for await (const { userJid } of mirror.changes()) {
  // Without a user it is the catalogue: any title may be another one now.
  const users = userJid ? [userJid] : mirror.users(roomJid).map((document) => document.userJid);
  for (const user of users) {
    const titles = mirror.hats(roomJid, user, language).map((hat) => hat.title);
    console.log(`${user}: ${titles.join(", ") || "no hat"}`);
  }
}
