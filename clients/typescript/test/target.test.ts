import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidTarget } from "../src/errors.js";
import { parseTarget, type TargetOptions } from "../src/target.js";

const ACCEPTED: [string, TargetOptions, string][] = [
  ["http://127.0.0.1:50051", {}, "http://127.0.0.1:50051"],
  ["http://127.9.8.7:50051/", {}, "http://127.9.8.7:50051"],
  ["http://[::1]:50051", {}, "http://[::1]:50051"],
  ["http://LOCALHOST:50051", {}, "http://localhost:50051"],
  ["localhost:50051", {}, "http://localhost:50051"],
  ["127.0.0.1:443", {}, "http://127.0.0.1:443"],
  ["[::1]:50051", {}, "http://[::1]:50051"],
  ["localhost:50051", { tls: true }, "https://localhost:50051"],
  ["hatd.example:50051", {}, "https://hatd.example:50051"],
  ["hatd.example:50051", { plaintext: true }, "http://hatd.example:50051"],
  ["127.0.0.1.example:50051", {}, "https://127.0.0.1.example:50051"],
  ["https://hatd.example", {}, "https://hatd.example"],
  ["https://hatd.example/hats/", {}, "https://hatd.example/hats"],
  ["http://hatd.example:50051", { plaintext: true }, "http://hatd.example:50051"],
];

const REFUSED: [string, TargetOptions][] = [
  ["", {}],
  ["http://", {}],
  ["localhost:port", {}],
  ["ftp://127.0.0.1:50051", {}],
  ["http://hatd.example:50051", {}],
  ["http://192.0.2.1:50051", {}],
  ["http://[2001:db8::1]:50051", {}],
  ["http://localhost:50051", { tls: true }],
  ["https://user:password@hatd.example", {}],
  ["https://hatd.example?room=den", {}],
];

for (const [target, options, url] of ACCEPTED) {
  test(`${target} with ${JSON.stringify(options)} is ${url}`, () => {
    assert.equal(parseTarget(target, options), url);
  });
}

for (const [target, options] of REFUSED) {
  test(`${JSON.stringify(target)} with ${JSON.stringify(options)} is refused`, () => {
    assert.throws(() => parseTarget(target, options), InvalidTarget);
  });
}
