import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import * as errors from "../src/errors.js";
import { ErrorReasonSchema } from "../src/gen/hatd/v1/errors_pb.js";
import { toHatdError } from "../src/status.js";
import { refusal } from "./fake-hatd.js";

test("every reason has a class of its own, by its name", () => {
  for (const { name, number } of ErrorReasonSchema.values) {
    if (number === 0) {
      continue;
    }
    const reason = name.replace(/^ERROR_REASON_/, "");
    const camelCase = reason
      .toLowerCase()
      .replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase());
    const error = toHatdError(refusal(Code.Aborted, reason));
    assert.equal(error.name, camelCase);
    assert.equal(error.constructor, (errors as Record<string, unknown>)[camelCase]);
    assert(error instanceof errors.HatdError);
  }
});

test("a reason keeps its details", () => {
  const error = toHatdError(
    refusal(Code.InvalidArgument, "INVALID_HAT_ID", {
      metadata: { field: "hat_id" },
      field: "operations[3].add.hat_id",
      retryDelay: { seconds: 1n, nanos: 250_000_000 },
    }),
    "request-1",
  );
  assert(error instanceof errors.InvalidHatId);
  assert.equal(error.code, "INVALID_ARGUMENT");
  assert.equal(error.reason, "INVALID_HAT_ID");
  assert.equal(error.message, "no");
  assert.equal(error.requestId, "request-1");
  assert.deepEqual(error.metadata, { field: "hat_id" });
  assert.deepEqual(error.resource, { type: "room", name: "den" });
  assert.deepEqual(error.violations, [
    { field: "operations[3].add.hat_id", description: "is wrong" },
  ]);
  assert.equal(error.retryDelayMs, 1_250);
});

test("an unknown reason keeps its name", () => {
  const error = toHatdError(refusal(Code.NotFound, "ROOM_ON_FIRE", { metadata: { heat: "9" } }));
  assert.equal(error.constructor, errors.HatdError);
  assert.equal(error.reason, "ROOM_ON_FIRE");
  assert.deepEqual(error.metadata, { heat: "9" });
});

test("a reason of another domain is not ours", () => {
  const error = toHatdError(refusal(Code.NotFound, "ROOM_NOT_FOUND", { domain: "example.org" }));
  assert.equal(error.constructor, errors.HatdError);
  assert.equal(error.code, "NOT_FOUND");
  assert.equal(error.reason, "");
  assert.deepEqual(error.metadata, {});
});

test("details that make no sense are left out", () => {
  const error = refusal(Code.NotFound, "");
  error.details = [{ type: "google.rpc.ErrorInfo", value: Uint8Array.of(0xff) }];
  assert.equal(toHatdError(error).code, "NOT_FOUND");
});

test("what breaks on the way is UNAVAILABLE", () => {
  const broken = [
    new ConnectError("read ECONNRESET", Code.Aborted),
    new ConnectError("http/2 stream closed with error code CANCEL (0x8)", Code.Canceled),
    new ConnectError("protocol error: missing status", Code.Internal),
    new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument),
    new TypeError("Failed to fetch"),
    "missing trailer",
  ];
  for (const thrown of broken) {
    assert.equal(toHatdError(thrown).code, "UNAVAILABLE");
  }
});

test("what a proxy answers keeps the code that its HTTP status has", () => {
  const headers = { "content-type": "text/html" };
  const error = toHatdError(new ConnectError("HTTP 404", Code.Unimplemented, headers));
  assert.equal(error.code, "UNIMPLEMENTED");
});

test("what cannot be encoded or decoded, or is too long, is not taken for a broken connection", () => {
  for (const message of ["parse binary: …", "serialize binary: …"]) {
    assert.equal(toHatdError(new ConnectError(message, Code.Internal)).code, "INTERNAL");
  }
  const long = new ConnectError("message size 9 is larger than 8", Code.ResourceExhausted);
  assert.equal(toHatdError(long).code, "RESOURCE_EXHAUSTED");
});

test("a failed attempt on several addresses has a message", () => {
  const cause = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
  assert.equal(toHatdError(ConnectError.from(cause)).message, "ECONNREFUSED");
});
