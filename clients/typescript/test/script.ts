import { setImmediate } from "node:timers/promises";
import type { WatchHatsRequest, WatchHatsResponse } from "../src/gen/hatd/v1/hat_service_pb.js";
import type { Dialer } from "../src/watch.js";

/** What a stream does next: give a response, fail, end, or say nothing. */
export type Step = WatchHatsResponse | Error | "end" | "silence";

/** A stream whose steps are said as the test goes. */
export class Live {
  readonly #steps: Step[] = [];
  #wake: (() => void) | undefined;

  /** Has the stream do this, and lets it be seen. */
  say(...steps: Step[]): Promise<void> {
    this.#steps.push(...steps);
    this.#wake?.();
    return setImmediate();
  }

  async next(): Promise<Step> {
    while (this.#steps.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#steps.shift() ?? "silence";
  }
}

/** Opens streams that go by a script each; after the last, streams that say nothing. */
export class Script implements Dialer {
  readonly requests: WatchHatsRequest[] = [];
  readonly signals: AbortSignal[] = [];
  pulled = 0;
  renewed = 0;
  keys = 0;
  readonly #streams: (Step[] | Live)[];

  constructor(...streams: (Step[] | Live)[]) {
    this.#streams = streams;
  }

  open(request: WatchHatsRequest, signal: AbortSignal): Promise<AsyncIterable<WatchHatsResponse>> {
    this.requests.push(request);
    this.signals.push(signal);
    const steps = this.#streams.shift() ?? [];
    const next = async (): Promise<IteratorResult<WatchHatsResponse>> => {
      this.pulled += 1;
      const step = Array.isArray(steps) ? steps.shift() : await steps.next();
      if (step instanceof Error) {
        throw step;
      }
      if (step === undefined || step === "silence") {
        return new Promise(() => undefined);
      }
      return step === "end" ? { done: true, value: undefined } : { done: false, value: step };
    };
    return Promise.resolve({ [Symbol.asyncIterator]: () => ({ next }) });
  }

  renew(): void {
    this.renewed += 1;
  }

  refuse(): boolean {
    this.keys -= 1;
    return this.keys >= 0;
  }
}
