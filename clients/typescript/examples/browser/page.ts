/** The hats of a room as they are displayed, kept current over gRPC-Web. */
import { connect, type DisplayedHat } from "hatd/web";
import { Hsluv } from "hsluv";

const query = new URLSearchParams(location.search);
const roomJid = query.get("room") ?? "room@conference.localhost";
const target = query.get("target") ?? "http://127.0.0.1:50051";
const language = query.get("language") ?? navigator.language;

const status = element("status");
const users = element("users");
element("room").textContent = roomJid;
document.title = `Hats in ${roomJid}`;

const mirror = connect(target).mirror({
  selectors: [{ roomJid }],
  onLifecycle: (event) => {
    status.textContent = event.kind === "connected" ? "live" : "trying again";
  },
});
try {
  const changes = mirror.changes();
  await mirror.ready();
  do {
    show();
  } while (!(await changes.next()).done);
} catch (error) {
  status.textContent = error instanceof Error ? error.message : String(error);
}

function show(): void {
  const rows = mirror
    .users(roomJid)
    .map(({ userJid }) => ({ userJid, hats: mirror.hats(roomJid, userJid, language) }))
    .filter(({ hats }) => hats.length > 0)
    .sort((a, b) => a.userJid.localeCompare(b.userJid))
    .map(({ userJid, hats }) => row(userJid, hats));
  users.replaceChildren(...(rows.length > 0 ? rows : [document.createElement("li")]));
}

function row(userJid: string, hats: readonly DisplayedHat[]): HTMLLIElement {
  const item = document.createElement("li");
  const worn = labelled("hats", "");
  worn.append(...hats.map(pill));
  item.append(labelled("user", userJid), worn);
  return item;
}

function pill({ title, hatId, hue }: DisplayedHat): HTMLSpanElement {
  const hat = labelled("hat", title);
  hat.title = hatId;
  if (hue !== undefined) {
    hat.style.setProperty("--hat", colour(hue));
  }
  return hat;
}

/** The colour of a hue angle, by XEP-0392: full saturation, half lightness, in HSLuv. */
function colour(hue: number): string {
  const converter = new Hsluv();
  converter.hsluv_h = hue;
  converter.hsluv_s = 100;
  converter.hsluv_l = 50;
  converter.hsluvToHex();
  return converter.hex;
}

function labelled(className: string, text: string): HTMLSpanElement {
  const span = document.createElement("span");
  span.className = className;
  span.textContent = text;
  return span;
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no ${id}`);
  }
  return found;
}
