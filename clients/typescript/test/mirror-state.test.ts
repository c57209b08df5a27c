import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import type { WatchEvent } from "../src/events.js";
import {
  CommitSchema,
  ResetReason,
  WatchSnapshotSchema,
} from "../src/gen/hatd/v1/hat_service_pb.js";
import { UserHatsSchema } from "../src/gen/hatd/v1/types_pb.js";
import { MirrorState } from "../src/mirror-state.js";

const den = "den@localhost";
const reset: WatchEvent = { kind: "reset", reason: ResetReason.INITIAL, token: "" };

function page(value: MessageInitShape<typeof WatchSnapshotSchema>): WatchEvent {
  return { kind: "snapshot", page: create(WatchSnapshotSchema, value), token: "" };
}

function commit(value: MessageInitShape<typeof CommitSchema>): WatchEvent {
  const commits = [create(CommitSchema, { roomJid: den, ...value })];
  return { kind: "changes", commits, token: "t" };
}

function document(userJid: string, revision: bigint, ...hatIds: string[]) {
  const hats = Object.fromEntries(hatIds.map((id) => [id, { active: true }]));
  return { roomJid: den, userJid, revision, hats };
}

const room = (revision = 1n) => ({ roomJid: den, revision });

/** A state, with what it has reported since the last time. */
class Reported {
  readonly #reports: string[] = [];
  readonly state = new MirrorState((roomJid, userJid) => {
    this.#reports.push(userJid || roomJid);
  });

  apply(...events: WatchEvent[]): this {
    events.forEach((event) => {
      this.state.apply(event);
    });
    return this;
  }

  take(): string[] {
    return this.#reports.splice(0);
  }
}

function begun(): Reported {
  const snapshot = {
    rooms: [room()],
    definitions: [{ roomJid: den, definition: { hatId: "urn:a", title: "A" } }],
    users: [document("ann", 2n, "urn:a"), document("bob", 3n, "urn:b")],
    complete: true,
  };
  return new Reported().apply(reset, page(snapshot));
}

test("a snapshot is the state when it is complete", () => {
  const { state } = begun();
  assert.equal(state.complete, true);
  assert.deepEqual(
    state.rooms().map(({ roomJid }) => roomJid),
    [den],
  );
  assert.deepEqual(
    state.definitions(den).map(({ hatId }) => hatId),
    ["urn:a"],
  );
  assert.deepEqual(
    state.documents(den).map(({ userJid }) => userJid),
    ["ann", "bob"],
  );
  assert.equal(state.revision(den), 3n);
  assert.equal(new Reported().apply(reset, page({ rooms: [room()] })).state.complete, false);
});

test("what a snapshot brings is reported", () => {
  assert.deepEqual(begun().take(), [den, den, "ann", "bob"]);
});

test("a document is replaced whole, and goes with its last hat", () => {
  const reported = begun();
  reported.take();
  reported.apply(
    commit({ revision: 4n, users: [{ userHats: document("ann", 4n, "urn:c") }] }),
    commit({ revision: 5n, users: [{ userHats: document("bob", 0n) }] }),
    commit({ revision: 6n, users: [{ userHats: document("nobody", 0n) }] }),
  );
  assert.deepEqual(Object.keys(reported.state.document(den, "ann")?.hats ?? {}), ["urn:c"]);
  assert.equal(reported.state.document(den, "bob"), undefined);
  assert.deepEqual(reported.take(), ["ann", "bob"]);
  assert.equal(reported.state.revision(den), 6n);
});

test("a catalogue and a room's record follow their commits", () => {
  const reported = begun();
  reported.take();
  reported.apply(
    commit({ revision: 4n, definitions: [{ hatId: "urn:b", title: "B" }] }),
    commit({ revision: 5n, removedDefinitions: ["urn:a", "urn:unknown"] }),
    commit({ revision: 6n, room: { ...room(6n), etag: "6" } }),
  );
  assert.deepEqual(
    reported.state.definitions(den).map(({ title }) => title),
    ["B"],
  );
  assert.equal(reported.state.room(den)?.etag, "6");
  assert.deepEqual(reported.take(), [den, den, den]);
});

test("a room that is deleted takes all along", () => {
  const reported = begun();
  reported.take();
  reported.apply(commit({ revision: 4n, roomDeleted: true }));
  assert.equal(reported.state.room(den), undefined);
  assert.deepEqual(reported.state.allDocuments(), []);
  assert.deepEqual(reported.take(), [den, "ann", "bob"]);
  reported.apply(commit({ revision: 5n, roomDeleted: true }));
  assert.deepEqual(reported.take(), []);
});

test("on a reset the old state answers until the new one is whole, and only what differs is told", () => {
  const reported = begun();
  reported.take();
  reported.apply(reset, page({ rooms: [room()], users: [document("ann", 2n, "urn:a")] }));
  assert.equal(reported.state.complete, false);
  assert.notEqual(reported.state.document(den, "bob"), undefined);
  assert.deepEqual(reported.take(), []);

  reported.apply(page({ users: [document("cat", 4n, "urn:c")], complete: true }));
  assert.deepEqual(
    reported.state.documents(den).map(({ userJid }) => userJid),
    ["ann", "cat"],
  );
  assert.deepEqual(reported.state.definitions(den), []);
  assert.deepEqual(reported.take(), ["cat", den, "bob"]);
});

test("changes within a snapshot are part of it", () => {
  const { state } = begun().apply(
    reset,
    page({ rooms: [room()] }),
    commit({ revision: 9n, users: [{ userHats: document("bob", 9n, "urn:z") }] }),
    page({ complete: true }),
  );
  assert.deepEqual(
    state.documents(den).map(({ userJid }) => userJid),
    ["bob"],
  );
});

test("a snapshot that was cut counts for nothing when the next one comes", () => {
  const { state } = begun().apply(
    reset,
    page({ users: [document("dan", 4n, "urn:d")] }),
    reset,
    page({ rooms: [room()], users: [document("ann", 2n, "urn:a")], complete: true }),
  );
  assert.deepEqual(
    state.documents(den).map(({ userJid }) => userJid),
    ["ann"],
  );
});

test("a room of which nothing is left is not in the way", () => {
  const { state } = new Reported().apply(
    reset,
    page({ complete: true }),
    commit({ revision: 2n, users: [{ userHats: document("ann", 2n, "urn:a") }] }),
    commit({ revision: 3n, users: [{ userHats: document("ann", 0n) }] }),
  );
  assert.equal(state.revision(den), 0n);
});

test("a reset forgets the revisions", () => {
  const { state } = begun().apply(reset);
  assert.equal(state.revision(den), 0n);
});

test("what is held cannot be changed, also with fields that are not known", () => {
  const unknown = create(UserHatsSchema, document("ann", 2n, "urn:a"));
  unknown.$unknown = [{ no: 99, wireType: WireType.LengthDelimited, data: Uint8Array.of(1) }];
  const { state } = new Reported().apply(reset, page({ users: [unknown], complete: true }));
  const held = state.document(den, "ann");
  assert(held?.hats["urn:a"]);
  assert(
    Object.isFrozen(held) && Object.isFrozen(held.hats) && Object.isFrozen(held.hats["urn:a"]),
  );
});

test("hats are displayed with the catalogue", () => {
  const { state } = begun();
  assert.deepEqual(
    state.hats(den, "ann", undefined).map(({ title }) => title),
    ["A"],
  );
  assert.deepEqual(state.hats(den, "nobody", undefined), []);
  assert.deepEqual(state.hats("elsewhere@localhost", "ann", undefined), []);
});
