import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { mock, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Closed, HatdError, InvalidToken, StoreMismatch } from "../src/errors.js";
import { AddUserHatResponseSchema } from "../src/gen/hatd/v1/hat_service_pb.js";
import { UserHatsSchema } from "../src/gen/hatd/v1/types_pb.js";
import { Mirror, type MirrorOptions } from "../src/mirror.js";
import { Watch } from "../src/watch.js";
import { bookmark, changes, page, refusal, reset } from "./fake-hatd.js";
import { Live, Script } from "./script.js";

const roomJid = "den@localhost";
const userJid = "ann@localhost";

function mirror(script: Script, options: MirrorOptions = {}): Mirror {
  return new Mirror(
    (watchOptions) =>
      new Watch(script, { reconnectDelayMaxMs: 0, ...watchOptions }, () => undefined),
    options,
    () => undefined,
  );
}

const document = (revision: bigint, hatId = "urn:a") => ({
  roomJid,
  userJid,
  revision,
  hats: { [hatId]: { active: true } },
});

/** What a write of the document answers. */
function answer(revision: bigint, more: { changed?: boolean; replayed?: boolean } = {}) {
  const userHats = create(UserHatsSchema, document(revision));
  const token = `written-${String(revision)}`;
  return create(AddUserHatResponseSchema, { userHats, revision, token, changed: true, ...more });
}

const commit = (revision: bigint, hatId?: string) => ({
  roomJid,
  revision,
  users: [{ userHats: document(revision, hatId) }],
});

test("a mirror is ready when its first snapshot is complete", async () => {
  const live = new Live();
  const mirrored = mirror(new Script(live));
  let ready = false;
  const waiting = mirrored.ready().then(() => {
    ready = true;
  });
  await live.say(reset(), page("", { users: [document(1n)] }));
  assert.deepEqual([ready, mirrored.isReady, mirrored.stale], [false, false, true]);
  await live.say(page("1"));
  await waiting;
  assert.deepEqual([mirrored.isReady, mirrored.stale], [true, false]);
  assert.equal(mirrored.token, "1");
  assert.equal(mirrored.hats(roomJid, userJid)[0]?.title, "urn:a");
  await mirrored.close();
});

test("a lost response makes the mirror stale until the state is anew", async () => {
  const live = new Live();
  const mirrored = mirror(new Script([reset(), page("1"), bookmark("9", "10")], live));
  await mirrored.ready();
  await setImmediate();
  await setImmediate();
  assert.equal(mirrored.stale, true);
  assert.equal(mirrored.counters.chainBreaks, 1);
  await live.say(reset(), page("2"));
  assert.equal(mirrored.stale, false);
  await mirrored.close();
});

test("a write that comes by itself is waited for without a new stream", async () => {
  const live = new Live();
  const script = new Script(live);
  const mirrored = mirror(script);
  await live.say(reset(), page("1"));
  const waiting = mirrored.waitFor(answer(7n));
  await live.say(changes("1", "2", commit(7n)));
  await waiting;
  // What is applied already is not waited for.
  await mirrored.waitFor(answer(6n));
  assert.equal(script.requests.length, 1);
  await mirrored.close();
});

test("what may not come by itself is asked for on a new stream", async () => {
  const cases: [MirrorOptions, Parameters<Mirror["waitFor"]>[0]][] = [
    [{}, "written-7"],
    [{}, answer(7n, { changed: false })],
    [{}, answer(7n, { replayed: true })],
    [{}, { token: "written-7", changed: true, revision: 7n }],
    [{ selectors: [{ roomJid: "hall@localhost" }] }, answer(7n)],
    [{ selectors: [{ userJid: "bob@localhost" }] }, answer(7n)],
    [{ selectors: [{ roomDomain: "example.org" }] }, answer(7n)],
  ];
  for (const [options, write] of cases) {
    const script = new Script([reset(), page("1"), "silence"], [bookmark("1", "2")]);
    const mirrored = mirror(script, options);
    await mirrored.ready();
    await mirrored.waitFor(write);
    assert.equal(script.requests[1]?.atLeastToken, "written-7");
    assert.equal(mirrored.counters.reconnects, 0);
    await mirrored.close();
  }
});

test("a write in scope is waited for by itself", async () => {
  for (const selectors of [
    [{ roomJid }],
    [{ userJid }],
    [{ roomJid, userJid }],
    [{ roomJid: "hall@localhost" }, { roomDomain: "localhost" }],
  ]) {
    const live = new Live();
    const script = new Script(live);
    const mirrored = mirror(script, { selectors });
    await live.say(reset(), page("1"), changes("1", "2", commit(7n)));
    await mirrored.waitFor(answer(7n));
    assert.equal(script.requests.length, 1);
    await mirrored.close();
  }
});

test("a reset has a wait ask for what may have come with it", async () => {
  const live = new Live();
  const script = new Script(live, [bookmark("5", "6")]);
  const mirrored = mirror(script);
  await live.say(reset(), page("1"));
  const waiting = mirrored.waitFor(answer(7n));
  await live.say(reset("1"));
  assert.equal(script.requests.length, 1, "not in mid-snapshot");
  await live.say(page("5"));
  await waiting;
  assert.equal(script.requests[1]?.atLeastToken, "written-7");
  await mirrored.close();
});

test("a write that does not come within a heartbeat is asked for", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const live = new Live();
    const script = new Script(live, [bookmark("1", "2")]);
    const mirrored = mirror(script, { heartbeatIntervalMs: 1_000 });
    await live.say(reset(), page("1"));
    const waiting = mirrored.waitFor(answer(7n));
    await setImmediate();
    mock.timers.tick(1_000);
    await waiting;
    assert.equal(script.requests.length, 2);
    await mirrored.close();
  } finally {
    mock.timers.reset();
  }
});

test("waits take turns, and those for one token go together", async () => {
  const [second, third] = [new Live(), new Live()];
  const script = new Script([reset(), page("1"), "silence"], second, third);
  const mirrored = mirror(script);
  await mirrored.ready();
  const done: string[] = [];
  const waits = ["a", "a", "b"].map((token) =>
    mirrored.waitFor(token).then(() => {
      done.push(token);
    }),
  );
  await setImmediate();
  assert.equal(script.requests.length, 2);
  await second.say(bookmark("1", "2"));
  assert.deepEqual(done, ["a", "a"]);
  await third.say(bookmark("2", "3"));
  await Promise.all(waits);
  assert.deepEqual(
    script.requests.map(({ atLeastToken }) => atLeastToken),
    ["", "a", "b"],
  );
  await mirrored.close();
});

test("a wait that nobody waits for any more is not begun", async () => {
  const second = new Live();
  const script = new Script([reset(), page("1"), "silence"], second);
  const mirrored = mirror(script);
  await mirrored.ready();
  const first = mirrored.waitFor("a");
  await assert.rejects(mirrored.waitFor("b", { timeoutMs: 1 }), { code: "DEADLINE_EXCEEDED" });
  await second.say(bookmark("1", "2"));
  await first;
  await setImmediate();
  assert.equal(script.requests.length, 2);
  await mirrored.close();
});

test("a wait for a token of another store fails, and the mirror goes on", async () => {
  const metadata = { field: "at_least_token" };
  const live = new Live();
  const script = new Script(
    [reset(), page("1"), "silence"],
    [refusal(Code.FailedPrecondition, "STORE_MISMATCH", { metadata })],
    [bookmark("1", "2"), "silence"],
    [refusal(Code.InvalidArgument, "INVALID_TOKEN", { metadata })],
    live,
  );
  const mirrored = mirror(script);
  await assert.rejects(mirrored.waitFor("a"), StoreMismatch);
  await setImmediate();
  await assert.rejects(mirrored.waitFor("b"), InvalidToken);
  await live.say(changes("2", "3", commit(7n, "urn:z")));
  assert.equal(mirrored.hats(roomJid, userJid)[0]?.hatId, "urn:z");
  assert.equal(mirrored.stale, false);
  await mirrored.close();
});

test("an empty token is reached when the mirror is ready", async () => {
  const mirrored = mirror(new Script([reset(), page("1"), "silence"]));
  await mirrored.waitFor("");
  assert.equal(mirrored.isReady, true);
  await mirrored.close();
});

test("a slow listener gets each change once, and the latest state from the mirror", async () => {
  const live = new Live();
  const mirrored = mirror(new Script(live));
  const listener = mirrored.changes();
  await live.say(reset(), page("1", { rooms: [{ roomJid, revision: 1n }] }));
  await live.say(
    changes("1", "2", commit(2n), commit(3n)),
    changes("2", "3", { roomJid, revision: 4n, definitions: [{ hatId: "urn:a", title: "A" }] }),
    changes("3", "4", commit(5n, "urn:z")),
  );
  assert.deepEqual((await listener.next()).value, { roomJid, userJid: "" });
  assert.deepEqual((await listener.next()).value, { roomJid, userJid });
  assert.equal(mirrored.hats(roomJid, userJid)[0]?.hatId, "urn:z");

  const next = listener.next();
  await live.say(changes("4", "5", commit(6n)));
  assert.deepEqual((await next).value, { roomJid, userJid });
  await listener.return();
  assert.equal((await listener.next()).done, true);
  await mirrored.close();
});

test("what ends the watch is thrown to all who wait, and the state stays readable", async () => {
  const live = new Live();
  const mirrored = mirror(new Script(live));
  await live.say(reset(), page("1", { users: [document(1n)] }));
  const next = mirrored.changes().next();
  const waiting = mirrored.waitFor(answer(7n));
  const ended = [assert.rejects(next, HatdError), assert.rejects(waiting, { name: "ScopeDenied" })];
  await live.say(refusal(Code.PermissionDenied, "SCOPE_DENIED"));
  await Promise.all(ended);
  await assert.rejects(mirrored.ready(), { name: "ScopeDenied" });
  await assert.rejects(mirrored.changes().next(), { name: "ScopeDenied" });
  assert.equal(mirrored.stale, true);
  assert.equal(mirrored.lastError?.name, "ScopeDenied");
  assert.equal(mirrored.hats(roomJid, userJid).length, 1);
  await mirrored.close();
});

test("what waits for a mirror ends when it is closed", async () => {
  const mirrored = mirror(new Script([reset(), "silence"]));
  const ended = [mirrored.ready(), mirrored.waitFor("a"), mirrored.changes().next()].map(
    (promise) => assert.rejects(promise as Promise<unknown>, Closed),
  );
  await setImmediate();
  await mirrored.close();
  await mirrored.close();
  await Promise.all(ended);
});

test("a wait ends at its deadline and by its signal", async () => {
  const mirrored = mirror(new Script(["silence"]));
  await assert.rejects(mirrored.ready({ timeoutMs: 1 }), { code: "DEADLINE_EXCEEDED" });
  await assert.rejects(mirrored.ready({ signal: AbortSignal.abort() }), { code: "CANCELLED" });
  await mirrored.close();
});
