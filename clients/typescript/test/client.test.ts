import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { Client } from "../src/client.js";
import { Closed, HatdError, RoomNotFound } from "../src/errors.js";
import { HatService } from "../src/gen/hatd/v1/hat_service_pb.js";
import { PutRoomRequestSchema, RoomService } from "../src/gen/hatd/v1/room_service_pb.js";
import type { Attachment } from "../src/gen/hatd/v1/types_pb.js";
import { connect, type ConnectOptions } from "../src/node.js";
import { refusal, serve } from "./fake-hatd.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Does something with a client of a server whose rooms are served so. */
async function withRooms(
  rooms: Partial<ServiceImpl<typeof RoomService>>,
  work: (client: Client) => Promise<void>,
  options: ConnectOptions = {},
): Promise<void> {
  await using hatd = await serve((router) => router.service(RoomService, rooms));
  await using client = connect(hatd.target, options);
  await work(client);
}

/** Returns the error that a promise is rejected with. */
async function failure(promise: Promise<unknown>): Promise<HatdError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof HatdError, String(error));
    return error;
  }
  assert.fail("did not fail");
}

function unavailable(): ConnectError {
  return new ConnectError("try again", Code.Unavailable);
}

test("a write is tried again with one request id, and its request is not touched", async () => {
  const requestIds: string[] = [];
  const putRoom = ({ requestId }: { requestId: string }) => {
    requestIds.push(requestId);
    if (requestIds.length < 3) {
      throw unavailable();
    }
    return { changed: true };
  };
  await withRooms({ putRoom }, async (client) => {
    const request = create(PutRoomRequestSchema, { roomJid: "den@localhost" });
    assert.equal((await client.putRoom(request)).changed, true);
    assert.equal(requestIds.length, 3);
    assert.equal(new Set(requestIds).size, 1);
    assert.match(requestIds[0] ?? "", UUID);
    assert.equal(request.requestId, "");

    await client.putRoom({ roomJid: "den@localhost", requestId: "mine" });
    assert.equal(requestIds.at(-1), "mine");
    await client.putRoom({ roomJid: "den@localhost" });
    assert.notEqual(requestIds.at(-1), requestIds[0]);
  });
});

test("only what is unavailable is tried again", async () => {
  for (const code of [Code.Internal, Code.Aborted, Code.ResourceExhausted, Code.Unknown]) {
    let calls = 0;
    const getRoom = () => {
      calls += 1;
      throw new ConnectError("no", code);
    };
    await withRooms({ getRoom }, async (client) => {
      await failure(client.getRoom({ roomJid: "den@localhost" }));
      assert.equal(calls, 1);
    });
  }
});

test("a refusal is typed, and names the write", async () => {
  const putRoom = () => {
    throw refusal(Code.NotFound, "ROOM_NOT_FOUND", { metadata: { room_jid: "den@localhost" } });
  };
  await withRooms({ putRoom }, async (client) => {
    const error = await failure(client.putRoom({ requestId: "mine" }));
    assert(error instanceof RoomNotFound);
    assert.equal(error.requestId, "mine");
    assert.deepEqual(error.metadata, { room_jid: "den@localhost" });
  });
});

test("a wait past the deadline is not begun: the error comes at once", async () => {
  const getRoom = () => {
    throw refusal(Code.Unavailable, "SHUTTING_DOWN", { retryDelay: { seconds: 60n } });
  };
  await withRooms({ getRoom }, async (client) => {
    const began = performance.now();
    const error = await failure(client.getRoom({}));
    assert.equal(error.name, "ShuttingDown");
    assert(performance.now() - began < 4_000);
  });
});

test("a call ends at its deadline, which the server is told, with what happened before", async () => {
  const deadlines: (number | undefined)[] = [];
  let calls = 0;
  const getRoom = async (_: unknown, { timeoutMs, signal }: HandlerContext) => {
    deadlines.push(timeoutMs());
    calls += 1;
    if (calls === 1) {
      throw unavailable();
    }
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    return {};
  };
  await withRooms({ getRoom }, async (client) => {
    const error = await failure(client.getRoom({}, { timeoutMs: 300 }));
    assert.equal(error.code, "DEADLINE_EXCEEDED");
    assert.equal(error.constructor, HatdError);
    assert.equal((error.cause as HatdError).code, "UNAVAILABLE");
    const [first = 0, second = 0] = deadlines;
    assert(first > 200 && first <= 300, String(first));
    assert(second < first, "a later attempt has less time");
  });
});

test("reads have 5 s and writes 30 s, unless said otherwise", async () => {
  const told: (number | undefined)[] = [];
  const tell = (_: unknown, { timeoutMs }: HandlerContext) => {
    told.push(timeoutMs());
    return {};
  };
  const near = (value: number | undefined, expected: number) => {
    assert(value !== undefined && value <= expected && value > expected - 1_000, String(value));
  };
  const rooms = { getRoom: tell, putRoom: tell };
  await withRooms(rooms, async (client) => {
    await client.getRoom({});
    await client.putRoom({});
    await client.putRoom({}, { timeoutMs: 7_000 });
  });
  await withRooms(
    rooms,
    async (client) => {
      await client.getRoom({});
      await client.putRoom({});
    },
    { readTimeoutMs: 2_000, writeTimeoutMs: 3_000 },
  );
  [5_000, 30_000, 7_000, 2_000, 3_000].forEach((expected, index) => {
    near(told[index], expected);
  });
});

test("a call that is cancelled ends at once", async () => {
  const getRoom = () => new Promise<never>(() => undefined);
  await withRooms({ getRoom }, async (client) => {
    const controller = new AbortController();
    const call = failure(client.getRoom({}, { signal: controller.signal }));
    controller.abort("enough");
    const error = await call;
    assert.equal(error.code, "CANCELLED");
    assert.equal(error.cause, "enough");
    assert.equal(
      (await failure(client.getRoom({}, { signal: controller.signal }))).code,
      "CANCELLED",
    );
  });
});

test("closing ends what is pending, and closing again does no harm", async () => {
  const getRoom = () => new Promise<never>(() => undefined);
  await withRooms({ getRoom }, async (client) => {
    const call = failure(client.getRoom({}));
    await client.close();
    await client.close();
    assert((await call) instanceof Closed);
    assert((await failure(client.getRoom({}))) instanceof Closed);
    const watch = client.watch();
    assert((await failure(watch.next())) instanceof Closed);
  });
});

test("an API key goes with every call, and is asked for anew when it is refused", async () => {
  const seen: (string | null)[] = [];
  const getRoom = (_: unknown, { requestHeader }: HandlerContext) => {
    seen.push(requestHeader.get("authorization"));
    if (seen.at(-1) !== "Bearer key-2") {
      throw refusal(Code.Unauthenticated, "UNAUTHENTICATED");
    }
    return {};
  };
  let asked = 0;
  const apiKey = () => {
    asked += 1;
    return Promise.resolve(`key-${String(asked)}`);
  };
  await withRooms(
    { getRoom },
    async (client) => {
      await Promise.all([client.getRoom({}), client.getRoom({})]);
      await client.getRoom({});
      assert.equal(asked, 2, "calls that were refused together ask once");
    },
    { apiKey },
  );
  assert.deepEqual([...new Set(seen)], ["Bearer key-1", "Bearer key-2"]);
});

test("an API key is asked for anew once only, and a string not at all", async () => {
  let calls = 0;
  const getRoom = () => {
    calls += 1;
    throw refusal(Code.Unauthenticated, "UNAUTHENTICATED");
  };
  await withRooms(
    { getRoom },
    async (client) => {
      assert.equal((await failure(client.getRoom({}))).name, "Unauthenticated");
      assert.equal(calls, 2);
    },
    { apiKey: () => "key" },
  );
  await withRooms(
    { getRoom },
    async (client) => {
      await failure(client.getRoom({}));
      assert.equal(calls, 3);
    },
    { apiKey: "key" },
  );
});

test("an API key that no header can hold is not shown", async () => {
  await withRooms(
    {},
    async (client) => {
      const error = await failure(client.getRoom({}));
      assert.equal(error.code, "UNAUTHENTICATED");
      assert(!error.message.includes("secret"));
    },
    { apiKey: "secret\n" },
  );
});

test("the program is named before the package", async () => {
  const agents: (string | null)[] = [];
  const getRoom = (_: unknown, { requestHeader }: HandlerContext) => {
    agents.push(requestHeader.get("user-agent"));
    return {};
  };
  await withRooms({ getRoom }, (client) => client.getRoom({}).then(() => undefined), {
    userAgent: "bot/1.0",
  });
  assert.match(agents[0] ?? "", /^bot\/1\.0 hatd-typescript\/\d/);
});

test("lists follow their pages, and ask for large ones", async () => {
  const requests: { pageSize: number; pageToken: string }[] = [];
  const listRooms: ServiceImpl<typeof RoomService>["listRooms"] = ({ pageSize, pageToken }) => {
    requests.push({ pageSize, pageToken });
    const page: Record<string, MessageInitShape<typeof RoomService.method.listRooms.output>> = {
      "": { rooms: [{ roomJid: "a@localhost" }], nextPageToken: "1" },
      "1": { nextPageToken: "2" },
      "2": { rooms: [{ roomJid: "b@localhost" }] },
    };
    return page[pageToken] ?? {};
  };
  await withRooms({ listRooms }, async (client) => {
    const jids: string[] = [];
    for await (const { roomJid } of client.allRooms()) {
      jids.push(roomJid);
    }
    assert.deepEqual(jids, ["a@localhost", "b@localhost"]);
    assert.deepEqual(
      requests.map(({ pageToken }) => pageToken),
      ["", "1", "2"],
    );
    assert.deepEqual(new Set(requests.map(({ pageSize }) => pageSize)), new Set([1_000]));

    requests.length = 0;
    for await (const room of client.allRooms({ pageSize: 7, pageToken: "1" })) {
      assert.equal(room.roomJid, "b@localhost");
    }
    assert.deepEqual(requests, [
      { pageSize: 7, pageToken: "1" },
      { pageSize: 7, pageToken: "2" },
    ]);
  });
});

test("a hat that is given is worn", async () => {
  let attachment: Attachment | undefined;
  const hats: Partial<ServiceImpl<typeof HatService>> = {
    addUserHat: (request) => {
      attachment = request.attachment;
      return {};
    },
  };
  await using hatd = await serve((router) => router.service(HatService, hats));
  await using client = connect(hatd.target);
  const expireTime = new Date("2030-01-01T00:00:00Z");
  await client.giveHat("den@localhost", "ann@localhost", "urn:a", { title: "Host", expireTime });
  assert(attachment?.expireTime);
  assert.equal(attachment.active, true);
  assert.equal(attachment.title, "Host");
  assert.deepEqual(timestampDate(attachment.expireTime), expireTime);
});
