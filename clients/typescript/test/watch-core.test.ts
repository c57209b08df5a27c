import assert from "node:assert/strict";
import { test } from "node:test";
import { HatdError } from "../src/errors.js";
import { Disconnect, type WatchOptions } from "../src/events.js";
import { Delivery, OnExpired, type WatchHatsResponse } from "../src/gen/hatd/v1/hat_service_pb.js";
import { WatchCore } from "../src/watch-core.js";
import { bookmark, changes, goAway, page, reset, response } from "./fake-hatd.js";

/** Has a watch take responses, each processed before the next. */
function take(core: WatchCore, ...responses: WatchHatsResponse[]): string[] {
  return responses.map((next) => {
    core.acknowledge();
    return core.take(next).kind;
  });
}

/** Returns why the stream is over when a response comes. */
function cause(core: WatchCore, next: WatchHatsResponse): Disconnect {
  core.acknowledge();
  try {
    core.take(next);
  } catch (error) {
    assert(error instanceof Disconnect);
    return error;
  }
  assert.fail("the stream went on");
}

/** Where the next stream starts. */
function start(core: WatchCore): unknown {
  core.acknowledge();
  const { start } = core.request();
  return start.case === "resumeToken" ? start.value : start.case;
}

const room = (revision: bigint, roomJid = "den@localhost") => ({ roomJid, revision });

test("a request says what is asked for, and the heartbeat in any case", () => {
  const request = new WatchCore({
    selectors: [{ roomJid: "den@localhost" }, { roomDomain: "localhost" }],
    onExpired: "fail",
    atLeastToken: "t",
  }).request();
  assert.deepEqual(
    request.selectors.map(({ roomJid, roomDomain }) => [roomJid, roomDomain]),
    [
      ["den@localhost", ""],
      ["", "localhost"],
    ],
  );
  assert.equal(request.delivery, Delivery.EVERY_COMMIT);
  assert.equal(request.onExpired, OnExpired.FAIL);
  assert.equal(request.heartbeatInterval?.seconds, 15n);
  assert.equal(request.atLeastToken, "t");
});

test("silence is two and a half heartbeats, within what the server takes for one", () => {
  const silenceMaxMs = (heartbeatIntervalMs?: number) =>
    new WatchCore({ heartbeatIntervalMs }).silenceMaxMs;
  assert.equal(silenceMaxMs(), 37_500);
  assert.equal(silenceMaxMs(2_000), 5_000);
  assert.equal(silenceMaxMs(0), 2_500);
  assert.equal(silenceMaxMs(1e13), 150_000);
  assert.throws(() => silenceMaxMs(Infinity), RangeError);
});

test("a watch starts where it is told to", () => {
  assert.equal(start(new WatchCore({})), "snapshot");
  assert.equal(start(new WatchCore({ start: "now" })), "now");
  assert.equal(start(new WatchCore({ start: { resumeToken: "t" } })), "t");
  assert.equal(start(new WatchCore({ start: { resumeToken: "" } })), "");
});

test("it resumes after what is processed, and not after what is given", () => {
  const core = new WatchCore({});
  assert.deepEqual(take(core, reset(), page("1")), ["reset", "snapshot"]);
  assert.equal(core.position, "");
  assert.equal(start(core), "1");
  core.take(bookmark("1", "2"));
  assert.equal(core.position, "1");
  core.acknowledge();
  assert.equal(core.position, "2");
});

test("a snapshot that is cut starts again", () => {
  const core = new WatchCore({});
  take(core, reset(), page(""), changes("", "", room(9n)));
  assert.equal(start(core), "snapshot");
  take(core, reset(), page("1"));
  assert.equal(start(core), "1");
  assert.equal(core.counters.resets, 2);
});

test("`now` is for the first stream only, if that answers", () => {
  const core = new WatchCore({ start: "now" });
  core.disconnect(new Disconnect("ended", ""), 0);
  assert.equal(start(core), "now");
  take(core, reset());
  assert.equal(start(core), "snapshot");
});

test("a response that does not follow breaks the chain, also on resume", () => {
  const core = new WatchCore({ start: { resumeToken: "1" } });
  const broken = cause(core, bookmark("2", "3"));
  assert.equal(broken.kind, "chain-broken");
  core.disconnect(broken, 0);
  assert.equal(core.counters.chainBreaks, 1);
  assert.equal(core.position, "");
  assert.equal(start(core), "snapshot");
});

test("a revision that does not rise is noticed, in each room by itself", () => {
  for (const revision of [4n, 3n]) {
    const core = new WatchCore({});
    take(core, reset(), page("1"), changes("1", "2", room(4n), room(2n, "hall@localhost")));
    const broken = cause(core, changes("2", "3", room(3n, "hall@localhost"), room(revision)));
    assert.equal(broken.kind, "revision-not-rising");
    core.disconnect(broken, 0);
    assert.equal(core.counters.chainBreaks, 1);
    assert.equal(start(core), "snapshot");
  }
});

test("revisions are remembered across streams, and forgotten by a reset", () => {
  const core = new WatchCore({});
  take(core, reset(), page("1"), changes("1", "2", room(4n)));
  core.disconnect(new Disconnect("ended", ""), 0);
  core.request();
  assert.equal(cause(core, changes("2", "3", room(4n))).kind, "revision-not-rising");

  take(core, reset("2"), page("3"), changes("3", "4", room(1n)));
});

test("within a snapshot revisions are in no order", () => {
  const core = new WatchCore({});
  take(core, reset(), changes("", "", room(4n)), changes("", "", room(3n)), page("1"));
});

test("`go_away` keeps its token, and asks for time", () => {
  const core = new WatchCore({});
  take(core, reset(), page("1"));
  const gone = cause(core, goAway("1", "2", 7n));
  assert.equal(gone.kind, "go-away");
  const delay = core.disconnect(gone, 0);
  assert(delay >= 7_000 && delay <= 10_500);
  assert.equal(start(core), "2");
});

test("an event that is not known ends the stream", () => {
  const unknown = response("", "1", { case: undefined });
  assert.equal(cause(new WatchCore({}), unknown).kind, "unknown-event");
});

test("the first bookmark has passed the position that was asked for", () => {
  const core = new WatchCore({ atLeastToken: "t" });
  take(core, reset(), page("1"), changes("1", "2"));
  assert.equal(core.request().atLeastToken, "t");
  take(core, bookmark("2", "3"));
  assert.equal(core.request().atLeastToken, "");
});

test("delays grow, and are short again after two minutes of health", () => {
  const core = new WatchCore({ reconnectDelayMaxMs: 1_000 });
  const ended = new Disconnect("ended", "");
  const delays = Array.from({ length: 500 }, () => core.disconnect(ended, 119_999));
  assert(Math.max(...delays) > 500);
  assert(Math.max(...delays) <= 1_000);
  assert(core.disconnect(ended, 120_000) <= 100);
  assert.equal(core.counters.reconnects, 501);
});

test("what another stream would not mend ends the watch", () => {
  const cases: [WatchOptions, HatdError["code"], string, boolean][] = [
    [{}, "INVALID_ARGUMENT", "INVALID_TOKEN", true],
    [{}, "UNAUTHENTICATED", "", true],
    [{}, "PERMISSION_DENIED", "SCOPE_DENIED", true],
    [{}, "UNIMPLEMENTED", "", true],
    [{}, "DATA_LOSS", "STORE_CORRUPT", true],
    [{}, "OUT_OF_RANGE", "RESUME_TOKEN_EXPIRED", false],
    [{ onExpired: "fail" }, "OUT_OF_RANGE", "RESUME_TOKEN_EXPIRED", true],
    [{}, "FAILED_PRECONDITION", "STORE_MISMATCH", false],
    [{ onExpired: "fail" }, "FAILED_PRECONDITION", "STORE_MISMATCH", true],
    [{ atLeastToken: "t" }, "FAILED_PRECONDITION", "STORE_MISMATCH", true],
    [{}, "RESOURCE_EXHAUSTED", "TOO_MANY_WATCHES", false],
    [{}, "UNAVAILABLE", "SHUTTING_DOWN", false],
    [{}, "INTERNAL", "", false],
    [{}, "CANCELLED", "", false],
    [{}, "DEADLINE_EXCEEDED", "", false],
  ];
  for (const [options, code, reason, ends] of cases) {
    const error = new HatdError({ code, reason, message: "" });
    assert.equal(new WatchCore(options).endsForGood(error), ends, `${code} ${reason}`);
  }
});
