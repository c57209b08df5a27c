/**
 * Gives a hat, and shows the state of the room up to its first bookmark.
 *
 *     ./task example quick_start [TARGET]
 */
import { argv } from "node:process";
import { Affiliation, connect } from "hatd";

const roomJid = "room@conference.localhost";
const userJid = "user@localhost";
const hatId = "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607";

const client = connect(argv[2] ?? "http://127.0.0.1:50051");
await client.putRoom({ roomJid });
await client.setAffiliation({ roomJid, userJid, affiliation: Affiliation.MEMBER });
const { changed } = await client.giveHat(roomJid, userJid, hatId, { title: "Host" });
console.log(changed ? "given" : "had already", hatId);

for await (const event of client.watch({ selectors: [{ roomJid }] })) {
  if (event.kind === "snapshot") {
    for (const document of event.page.users) {
      console.log(`${document.userJid} has ${Object.keys(document.hats).join(", ")}`);
    }
  } else if (event.kind === "bookmark") {
    break;
  }
}
await client.close();
