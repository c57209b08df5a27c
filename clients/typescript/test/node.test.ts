import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { mock, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { HatdError } from "../src/errors.js";
import { HatService } from "../src/gen/hatd/v1/hat_service_pb.js";
import { RoomService } from "../src/gen/hatd/v1/room_service_pb.js";
import { Http2Connection } from "../src/http2.js";
import { connect } from "../src/node.js";
import { makeCertificate } from "./certificate.js";
import { bookmark, changes, serve } from "./fake-hatd.js";

const rooms = { getRoom: () => ({ revision: 7n }) };

/** Serves TCP to whoever connects, and says nothing. */
async function serveSilence(): Promise<{ server: Server; port: number }> {
  const server = createServer(() => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

test("a connection that breaks is made anew by the next call", async () => {
  await using hatd = await serve((router) => router.service(RoomService, rooms));
  await using client = connect(hatd.target);
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await client.getRoom({})).revision, 7n);
    assert.equal(hatd.sessions.size, 1);
    for (const session of hatd.sessions) {
      session.destroy();
    }
  }
});

test("a call waits for a server that is not there yet", async () => {
  const gone = await serve((router) => router.service(RoomService, rooms));
  await gone.close();
  await using client = connect(gone.target);
  const call = client.getRoom({});
  await using hatd = await serve((router) => router.service(RoomService, rooms), {
    port: Number(new URL(gone.target).port),
  });
  assert.equal((await call).revision, 7n);
  assert.equal(hatd.target, gone.target);
});

test("a connection that is being closed gives way to another, and its streams go on", async () => {
  let release: (() => void) | undefined;
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = {
    ...rooms,
    listRooms: async () => {
      await hold;
      return { token: "late" };
    },
  };
  await using hatd = await serve((router) => router.service(RoomService, slow));
  await using client = connect(hatd.target);
  const pending = client.listRooms({});
  await client.getRoom({});
  const [first] = hatd.sessions;
  first?.goaway();
  await setImmediate();
  while (hatd.sessions.size < 2) {
    await client.getRoom({});
  }
  release?.();
  assert.equal((await pending).token, "late");
});

test("a connection that does not answer a PING is broken", async () => {
  const { server, port } = await serveSilence();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const connection = new Http2Connection(`http://127.0.0.1:${String(port)}`, undefined);
  try {
    const stream = await connection.request("POST", "/", {}, {});
    const broken = once(stream, "error");
    mock.timers.tick(30_000);
    mock.timers.tick(10_000);
    const [error] = (await broken) as [Error];
    assert.match(error.message, /PING/);
    const other = await connection.request("POST", "/", {}, {});
    assert.notEqual(other.session, stream.session);
    other.on("error", () => undefined);
  } finally {
    mock.timers.reset();
    connection.abort();
    server.close();
  }
});

test("an attempt to connect that takes too long fails", async () => {
  const { server, port } = await serveSilence();
  mock.timers.enable({ apis: ["setTimeout"] });
  const connection = new Http2Connection(`https://127.0.0.1:${String(port)}`, undefined);
  try {
    const request = assert.rejects(connection.request("POST", "/", {}, {}), { code: "ETIMEDOUT" });
    await setImmediate();
    mock.timers.tick(5_000);
    await request;
  } finally {
    mock.timers.reset();
    connection.abort();
    server.close();
  }
});

test("closing while it connects is no error of anybody's", async () => {
  const { server, port } = await serveSilence();
  const client = connect(`https://127.0.0.1:${String(port)}`);
  const call = assert.rejects(client.getRoom({}), { name: "Closed" });
  await setImmediate();
  await client.close();
  await call;
  server.close();
});

test("watches that nobody reads leave room for calls", async () => {
  const hats = {
    async *watchHats() {
      yield bookmark("", "0");
      for (let token = 0; ; token += 1) {
        const context = { reason: "x".repeat(60_000) };
        const commit = { roomJid: "den@localhost", revision: BigInt(token + 1), context };
        await setImmediate();
        yield changes(String(token), String(token + 1), commit);
      }
    },
  };
  await using hatd = await serve((router) =>
    router.service(HatService, hats).service(RoomService, rooms),
  );
  await using client = connect(hatd.target);
  const watches = Array.from({ length: 30 }, () => client.watch({ start: "now" }));
  await Promise.all(watches.map((watch) => watch.next()));
  for (let call = 0; call < 20; call += 1) {
    assert.equal((await client.getRoom({})).revision, 7n);
  }
  assert.equal(hatd.sessions.size, 1);
});

test("the process ends while a client is idle", async () => {
  await using hatd = await serve((router) => router.service(RoomService, rooms));
  const entry = new URL("../src/node.js", import.meta.url).href;
  const program = `
    import { connect } from ${JSON.stringify(entry)};
    const client = connect(${JSON.stringify(hatd.target)});
    console.log((await client.getRoom({})).revision);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { timeout: 20_000 },
  );
  assert.equal(stdout, "7n\n");
});

test("TLS: a server is trusted by its certificate, and no other", async () => {
  const { cert, key } = makeCertificate();
  await using hatd = await serve((router) => router.service(RoomService, rooms), {
    tls: { cert, key },
  });
  await using client = connect(hatd.target, { tls: { ca: cert } });
  assert.equal((await client.getRoom({})).revision, 7n);
  await using distrustful = connect(hatd.target);
  await assert.rejects(distrustful.getRoom({}, { timeoutMs: 300 }), (error) => {
    assert(error instanceof HatdError);
    assert.match(`${error.message} ${String(error.cause)}`, /certificate/);
    return true;
  });
});

test("TLS: a client shows its certificate", async () => {
  const server = makeCertificate();
  const other = makeCertificate();
  const tls = { ...server, ca: other.cert, requestCert: true, rejectUnauthorized: true };
  await using hatd = await serve((router) => router.service(RoomService, rooms), { tls });
  const port = new URL(hatd.target).port;
  await using client = connect(`localhost:${port}`, { tls: { ca: server.cert, ...other } });
  assert.equal((await client.getRoom({})).revision, 7n);
});
