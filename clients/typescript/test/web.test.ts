import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { mock, test } from "node:test";
import type { ConnectRouter } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Client } from "../src/client.js";
import { RoomNotFound } from "../src/errors.js";
import { HatService } from "../src/gen/hatd/v1/hat_service_pb.js";
import { RoomService } from "../src/gen/hatd/v1/room_service_pb.js";
import { connect as connectNode } from "../src/node.js";
import { connect as connectWeb } from "../src/web.js";
import { bookmark, changes, refusal } from "./fake-hatd.js";

/** Does something with each kind of client that speaks gRPC-Web, of a server over HTTP/1.1. */
async function withClients(
  listener: RequestListener,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  const clients = [connectWeb(target), connectNode(target, { protocol: "grpc-web" })];
  try {
    for (const client of clients) {
      await work(client);
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    server.closeAllConnections();
    server.close();
  }
}

const serving = (routes: (router: ConnectRouter) => unknown) =>
  connectNodeAdapter({ routes: (router) => void routes(router) });

test("calls go over gRPC-Web, and name the package", async () => {
  const agents: (string | null)[] = [];
  const handler = serving((router) =>
    router.service(RoomService, {
      getRoom: (_, { requestHeader }) => {
        agents.push(requestHeader.get("x-user-agent"));
        return { revision: 7n };
      },
    }),
  );
  await withClients(handler, async (client) => {
    assert.equal((await client.getRoom({})).revision, 7n);
  });
  assert.equal(agents.length, 2);
  for (const agent of agents) {
    assert.match(agent ?? "", /^hatd-typescript\/\d/);
  }
});

test("refusals keep their details", async () => {
  const metadata = { room_jid: "den@localhost" };
  const handler = serving((router) =>
    router.service(RoomService, {
      getRoom: () => {
        throw refusal(Code.NotFound, "ROOM_NOT_FOUND", { metadata });
      },
    }),
  );
  await withClients(handler, async (client) => {
    await assert.rejects(client.getRoom({}), (error) => {
      assert(error instanceof RoomNotFound);
      assert.deepEqual(error.metadata, metadata);
      return true;
    });
  });
});

test("a call whose answer is cut is tried again", async () => {
  const handler = serving((router) =>
    router.service(RoomService, { getRoom: () => ({ revision: 7n }) }),
  );
  let calls = 0;
  const cutting: RequestListener = (request, response) => {
    calls += 1;
    if (calls % 2 === 1) {
      cut(request, () =>
        response.writeHead(200, { "content-type": "application/grpc-web+proto" }).end(),
      );
      return;
    }
    handler(request, response);
  };
  await withClients(cutting, async (client) => {
    assert.equal((await client.getRoom({})).revision, 7n);
  });
  assert.equal(calls, 4);
});

test("a stream that ends without its trailers is a broken one: the watch resumes", async () => {
  const starts: string[] = [];
  const handler = serving((router) =>
    router.service(HatService, {
      async *watchHats({ start }, { signal }) {
        starts.push(start.case === "resumeToken" ? start.value : (start.case ?? ""));
        if (starts.length % 2 === 1) {
          yield bookmark("", "1");
        } else {
          yield changes("1", "2");
        }
        await once(signal, "abort");
      },
    }),
  );
  await withClients(
    (request, response) => {
      handler(request, response);
      // The first response is let pass; then the body ends as if all were well.
      const write = response.write.bind(response);
      response.write = ((chunk: Uint8Array, ...more: []) => {
        const taken = write(chunk, ...more);
        if (starts.length % 2 === 1) {
          response.end();
        }
        return taken;
      }) as typeof response.write;
    },
    async (client) => {
      const watch = client.watch({ start: "now", reconnectDelayMaxMs: 0 });
      assert.equal((await watch.next()).value?.kind, "bookmark");
      assert.equal((await watch.next()).value?.kind, "changes");
      assert.equal(watch.counters.reconnects, 1);
      await watch.return();
    },
  );
  assert.deepEqual(starts, ["now", "1", "now", "1"]);
});

test("after silence, no connection that was open before is used again", async () => {
  const handler = serving((router) =>
    router.service(RoomService, { getRoom: () => ({ revision: 7n }) }).service(HatService, {
      async *watchHats(_, { signal }) {
        yield bookmark("", "1");
        await once(signal, "abort");
      },
    }),
  );
  const calls = new Set<Socket>();
  const streams: Socket[] = [];
  const opened = new EventEmitter();
  const server = createServer((request, response) => {
    if (request.url?.endsWith("/WatchHats")) {
      streams.push(request.socket);
      opened.emit("stream");
      if (streams.length === 1) {
        return;
      }
    } else {
      calls.add(request.socket);
    }
    handler(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connectNode(`http://127.0.0.1:${String(port)}`, { protocol: "grpc-web" });
  const watch = client.watch({ start: "now", heartbeatIntervalMs: 1_000, reconnectDelayMaxMs: 0 });
  try {
    await Promise.all([client.getRoom({}), client.getRoom({})]);
    assert.equal(calls.size, 2);
    mock.timers.enable({ apis: ["setTimeout"] });
    const next = watch.next();
    await once(opened, "stream");
    mock.timers.tick(2_500);
    assert.equal((await next).value?.kind, "bookmark");
    assert(streams[1]);
    assert(!calls.has(streams[1]) && streams[0] !== streams[1]);
  } finally {
    mock.timers.reset();
    await client.close();
    server.close();
  }
});

/** Reads a request to its end, and then does something else than answer it. */
function cut(request: IncomingMessage, then: () => unknown): void {
  request.resume().once("end", then);
}
