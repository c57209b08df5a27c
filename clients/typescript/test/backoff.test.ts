import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/backoff.js";

test("delays stay under a doubling ceiling", () => {
  for (let round = 0; round < 200; round += 1) {
    const backoff = new Backoff(100, 30_000);
    for (const ceiling of [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]) {
      const delay = backoff.next();
      assert(delay >= 0 && delay <= ceiling, `${String(delay)} > ${String(ceiling)}`);
    }
  }
});

test("delays spread over all that is allowed", () => {
  const delays = Array.from({ length: 1_000 }, () => new Backoff(100, 30_000).next());
  assert(Math.min(...delays) < 10);
  assert(Math.max(...delays) > 90);
});

test("many attempts do not overflow", () => {
  const backoff = new Backoff(50, 2_000);
  for (let attempt = 0; attempt < 5_000; attempt += 1) {
    assert(backoff.next() <= 2_000);
  }
});

test("a reset makes the delays short again", () => {
  const backoff = new Backoff(100, 30_000);
  for (let attempt = 0; attempt < 20; attempt += 1) {
    backoff.next();
  }
  backoff.reset();
  assert(backoff.next() <= 100);
});

test("the server's delay wins and is never undercut", () => {
  for (let round = 0; round < 200; round += 1) {
    const delay = new Backoff(100, 30_000).next(7_000);
    assert(delay >= 7_000 && delay <= 10_500);
    assert(new Backoff(100, 30_000).next(10 ** 9) <= 450_000);
    assert(new Backoff(100, 30_000).next(0) <= 100);
  }
});
