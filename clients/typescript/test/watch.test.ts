import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { mock, test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { Closed, HatdError, Unauthenticated } from "../src/errors.js";
import type { Lifecycle } from "../src/events.js";
import { Watch } from "../src/watch.js";
import { bookmark, changes, page, refusal, reset } from "./fake-hatd.js";
import { Script } from "./script.js";

const quick = { reconnectDelayMaxMs: 0 };

function watch(script: Script, options: ConstructorParameters<typeof Watch>[1] = quick): Watch {
  return new Watch(script, options, () => undefined);
}

async function kinds(of: Watch, count: number): Promise<string[]> {
  const events: string[] = [];
  while (events.length < count) {
    const { value } = await of.next();
    events.push(value?.kind ?? "done");
  }
  return events;
}

const starts = (script: Script) => script.requests.map(({ start }) => start.value ?? start.case);

test("one response is asked for at a time, and only when an event is", async () => {
  const script = new Script([reset(), page("1"), bookmark("1", "2")]);
  const watched = watch(script);
  assert.equal(script.pulled, 0);
  await watched.next();
  await setImmediate();
  assert.equal(script.pulled, 1);
  await watched.next();
  assert.equal(script.pulled, 2);
  await watched.return();
});

test("however the stream ends, the next one resumes after what was processed", async () => {
  const script = new Script(
    [reset(), page("1"), "end"],
    [changes("1", "2"), new ConnectError("broken", Code.Aborted)],
    [refusal(Code.Unavailable, "SHUTTING_DOWN")],
    [bookmark("2", "3"), bookmark("9", "10")],
    [reset(), page("4")],
  );
  const watched = watch(script);
  assert.deepEqual(await kinds(watched, 6), [
    "reset",
    "snapshot",
    "changes",
    "bookmark",
    "reset",
    "snapshot",
  ]);
  const [first, ...others] = starts(script);
  assert.equal((first as { $typeName: string }).$typeName, "hatd.v1.StartSnapshot");
  assert.deepEqual(others.slice(0, 3), ["1", "2", "2"]);
  assert.deepEqual(watched.counters, { reconnects: 4, resets: 2, chainBreaks: 1 });
  assert.equal(watched.token, "");
  await watched.return();
});

test("an observer is told of each stream, and its errors are its own", async () => {
  const script = new Script(["end"], [reset()]);
  const told: Lifecycle[] = [];
  const watched = watch(script, { ...quick, onLifecycle: (event) => told.push(event) });
  await watched.next();
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ["disconnected", "connected"],
  );
  assert(told[0]?.kind === "disconnected" && told[0].cause.kind === "ended");
  await watched.return();
});

test("silence ends the stream, and the connection under it is not trusted", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const script = new Script([reset(), "silence"], [reset()]);
    const watched = watch(script, { ...quick, heartbeatIntervalMs: 1_000 });
    await watched.next();
    // Time that the caller takes is not the server's silence.
    mock.timers.tick(10_000);
    const next = watched.next();
    await setImmediate();
    mock.timers.tick(2_499);
    await setImmediate();
    assert.equal(script.requests.length, 1);
    mock.timers.tick(1);
    await setImmediate();
    mock.timers.tick(0);
    assert.equal((await next).value?.kind, "reset");
    assert.equal(script.signals[0]?.aborted, true);
    assert.equal(script.renewed, 1);
    assert.equal(watched.counters.reconnects, 1);
    await watched.return();
  } finally {
    mock.timers.reset();
  }
});

test("a stream that does not open is silent, too", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const script = new Script([reset()]);
    const open = mock.method(script, "open", () => new Promise(() => undefined), { times: 1 });
    const watched = watch(script, { ...quick, heartbeatIntervalMs: 1_000 });
    const next = watched.next();
    await setImmediate();
    assert.equal(open.mock.callCount(), 1);
    mock.timers.tick(2_500);
    await setImmediate();
    mock.timers.tick(0);
    assert.equal((await next).value?.kind, "reset");
    await watched.return();
  } finally {
    mock.timers.reset();
  }
});

test("what another stream would not mend is thrown once, and then there is nothing more", async () => {
  const script = new Script([refusal(Code.InvalidArgument, "INVALID_TOKEN")]);
  const watched = watch(script);
  await assert.rejects(watched.next(), { name: "InvalidToken" });
  assert.deepEqual(await watched.next(), { done: true, value: undefined });
  assert.equal(script.requests.length, 1);
});

test("another API key is asked for once", async () => {
  const refused = () => refusal(Code.Unauthenticated, "UNAUTHENTICATED");
  const script = new Script([refused()], [reset(), refused()], [refused()], []);
  script.keys = 2;
  const watched = watch(script);
  assert.deepEqual(await kinds(watched, 1), ["reset"]);
  // An answer in between counts: the key may be refused again.
  await assert.rejects(watched.next(), Unauthenticated);
  assert.equal(script.requests.length, 3);
});

test("what waits for an event ends when the watch is closed", async () => {
  const script = new Script([reset(), "silence"]);
  const watched = watch(script);
  await watched.next();
  const next = watched.next();
  await setImmediate();
  await Promise.all([assert.rejects(next, Closed), watched.close(), watched.close()]);
  assert.equal(script.signals[0]?.aborted, true);
  assert.deepEqual(await watched.next(), { done: true, value: undefined });
});

test("leaving the loop closes the watch", async () => {
  const script = new Script([reset(), "silence"]);
  let ended = 0;
  const watched = new Watch(script, quick, () => {
    ended += 1;
  });
  for await (const event of watched) {
    assert.equal(event.kind, "reset");
    break;
  }
  assert.equal(script.signals[0]?.aborted, true);
  assert.equal(ended, 1);
});

test("the caller's signal closes the watch", async () => {
  const controller = new AbortController();
  const watched = watch(new Script(["silence"]), { ...quick, signal: controller.signal });
  const next = watched.next();
  controller.abort("enough");
  await assert.rejects(next, (error) => {
    assert(error instanceof HatdError);
    assert.equal(error.code, "CANCELLED");
    assert.equal(error.cause, "enough");
    return true;
  });
});

test("a watch that waits to connect again is closed at once", async () => {
  const script = new Script([refusal(Code.Unavailable, "", { retryDelay: { seconds: 60n } })]);
  const watched = watch(script);
  const next = watched.next();
  await setImmediate();
  await Promise.all([assert.rejects(next, Closed), watched.close()]);
});

test("a stream is opened anew for a position, which its first bookmark has passed", async () => {
  const script = new Script(
    [reset(), page("1"), "silence"],
    [changes("1", "2"), bookmark("2", "3"), "silence"],
  );
  const watched = watch(script);
  const events = kinds(watched, 4);
  await setImmediate();
  await watched.pass("t");
  assert.deepEqual(await events, ["reset", "snapshot", "changes", "bookmark"]);
  assert.equal(script.requests[1]?.atLeastToken, "t");
  assert.equal(starts(script)[1], "1");
  assert.equal(watched.counters.reconnects, 0);
  await watched.return();
});

test("a position of another store is refused to who asked for it, and the watch goes on", async () => {
  const refusals = [
    refusal(Code.FailedPrecondition, "STORE_MISMATCH", { metadata: { field: "at_least_token" } }),
    refusal(Code.InvalidArgument, "INVALID_TOKEN", { metadata: { field: "at_least_token" } }),
  ];
  for (const error of refusals) {
    const script = new Script([reset(), page("1"), "silence"], [error], [bookmark("1", "2")]);
    const watched = watch(script);
    const events = kinds(watched, 3);
    await setImmediate();
    await assert.rejects(watched.pass("t"), HatdError);
    assert.deepEqual(await events, ["reset", "snapshot", "bookmark"]);
    assert.equal(script.requests[2]?.atLeastToken, "");
    await watched.return();
  }
});
