/// <reference lib="esnext.disposable" preserve="true" />
import { Closed, type HatdError } from "./errors.js";
import { toHatdError } from "./status.js";
import {
  Disconnect,
  type Lifecycle,
  type WatchCounters,
  type WatchEvent,
  type WatchOptions,
} from "./events.js";
import type { WatchHatsRequest, WatchHatsResponse } from "./gen/hatd/v1/hat_service_pb.js";
import { cancelled, sleep, unlessAborted } from "./scope.js";
import { WatchCore } from "./watch-core.js";

/** Opens the streams of one watch. */
export interface Dialer {
  /** Opens a stream, which ends when `signal` is aborted. */
  open(request: WatchHatsRequest, signal: AbortSignal): Promise<AsyncIterable<WatchHatsResponse>>;
  /** Has the next stream use another connection. */
  renew(): void;
  /** Takes note that the API key was refused. Returns whether another one can be had. */
  refuse(): boolean;
}

/** A stream under a watch. */
interface Stream {
  /** Ends it. The reason of its signal is then why it was ended from this side. */
  readonly controller: AbortController;
  /** None while it opens. */
  responses: AsyncIterator<WatchHatsResponse> | undefined;
  /** When its first response came, by the monotonic clock. */
  since: number | undefined;
}

/** Why a stream is ended for which another one takes over at once. */
const REOPENED = new Error("reopened");

/**
 * A watch: the state of a scope, then every change to it.
 *
 * It asks for one response at a time and holds none ahead, so a slow caller slows the stream and
 * nothing else. It resumes by itself, whatever ends the stream under it, after the last event that
 * the caller came back from: an event is processed when the next one is asked for.
 *
 *     for await (const event of client.watch({ selectors: [{ roomJid }] })) { … }
 *
 * Leaving the loop closes the watch. It throws only what connecting again would not mend, once, and
 * has then ended:
 *
 * - a {@link HatdError} with the code INVALID_ARGUMENT, UNAUTHENTICATED (after another API key was
 *   asked for), PERMISSION_DENIED, UNIMPLEMENTED or DATA_LOSS;
 * - {@link ResumeTokenExpired} and {@link StoreMismatch} under `onExpired: "fail"`, and
 *   {@link StoreMismatch} for an `atLeastToken` of another store;
 * - {@link Closed}, or the code CANCELLED, when it was closed from elsewhere or its signal aborted.
 */
export class Watch implements AsyncIterableIterator<WatchEvent, undefined, undefined> {
  readonly #dialer: Dialer;
  readonly #core: WatchCore;
  readonly #options: WatchOptions;
  readonly #onEnd: () => void;
  readonly #closing = new AbortController();
  readonly #cancel: () => void;
  /** Calls of `next` are answered one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** Why it ended, until a caller has been told. */
  #error: HatdError | undefined;
  #stream: Stream | undefined;
  #retryInMs = 0;
  /** Whether another API key was asked for since the last response. */
  #refused = false;
  #passing: { resolve: () => void; reject: (error: HatdError) => void } | undefined;
  #lastResponseTime: Date | undefined;

  /** @internal `client.watch` makes watches. */
  constructor(dialer: Dialer, options: WatchOptions, onEnd: () => void) {
    this.#dialer = dialer;
    this.#core = new WatchCore(options);
    this.#options = options;
    this.#onEnd = onEnd;
    const { signal } = options;
    this.#cancel = () => {
      this.#end(cancelled(signal?.reason));
    };
    signal?.addEventListener("abort", this.#cancel);
    if (signal?.aborted) {
      this.#cancel();
    }
  }

  /**
   * The token after the last event that is processed, to resume with. Empty: start with a snapshot.
   * The event that the caller is at has a token of its own.
   */
  get token(): string {
    return this.#core.position;
  }

  /** What the watch has been through. */
  get counters(): WatchCounters {
    return this.#core.counters;
  }

  /** When the last response came. */
  get lastResponseTime(): Date | undefined {
    return this.#lastResponseTime;
  }

  /** Returns the next event, waiting for it as long as it takes. */
  next(): Promise<IteratorResult<WatchEvent, undefined>> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Closes the watch: what is pending then ends with no event and no error. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#end(undefined);
    await this.#turn;
    return { done: true, value: undefined };
  }

  /**
   * Closes the watch: what is pending then, or asked for next, ends with {@link Closed}. Closing
   * again does no harm.
   */
  async close(): Promise<void> {
    this.#end(new Closed({ code: "CANCELLED", message: "the watch is closed" }));
    await this.#turn;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Opens the stream anew, at the position, and returns once all that precedes `token` has been
   * given to the caller. One call at a time.
   *
   * @internal For the mirror.
   */
  pass(token: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(new Closed({ code: "CANCELLED", message: "the watch is closed" }));
        return;
      }
      this.#passing = { resolve, reject };
      this.#core.atLeastToken = token;
      this.#stream?.controller.abort(REOPENED);
    });
  }

  async #next(): Promise<IteratorResult<WatchEvent, undefined>> {
    this.#core.acknowledge();
    while (!this.#ended) {
      try {
        return { done: false, value: await this.#step() };
      } catch (thrown) {
        this.#disconnect(thrown);
      }
    }
    const error = this.#error;
    this.#error = undefined;
    if (error) {
      throw error;
    }
    return { done: true, value: undefined };
  }

  /** Takes the next response, from a new stream if there is none. Throws why the stream ended. */
  async #step(): Promise<WatchEvent> {
    if (!this.#stream) {
      await sleep(this.#retryInMs, this.#closing.signal);
      const controller = new AbortController();
      this.#stream = { controller, responses: undefined, since: undefined };
    }
    const stream = this.#stream;
    const response = await this.#read(stream);

    this.#lastResponseTime = new Date();
    this.#refused = false;
    if (stream.since === undefined) {
      stream.since = performance.now();
      this.#notify({ kind: "connected" });
    }
    const event = this.#core.take(response);
    if (event.kind === "bookmark") {
      this.#passing?.resolve();
      this.#passing = undefined;
    }
    return event;
  }

  /**
   * Reads a response. The silence that is allowed begins here: time that the caller takes between
   * two calls is not the server's silence.
   */
  async #read(stream: Stream): Promise<WatchHatsResponse> {
    const { silenceMaxMs } = this.#core;
    const { controller } = stream;
    const timer = setTimeout(() => {
      const message = `the server was silent for ${String(silenceMaxMs / 1000)} s`;
      controller.abort(new Disconnect("silent", message));
    }, silenceMaxMs);
    try {
      const result = await unlessAborted(this.#pull(stream), controller.signal);
      // A stream that was ended meanwhile gives nothing any more, so that a bookmark is always of
      // the stream that it was asked of.
      controller.signal.throwIfAborted();
      if (result.done) {
        throw new Disconnect("ended", "the stream ended");
      }
      return result.value;
    } finally {
      clearTimeout(timer);
    }
  }

  async #pull(stream: Stream): Promise<IteratorResult<WatchHatsResponse>> {
    if (!stream.responses) {
      const request = this.#core.request();
      const responses = await this.#dialer.open(request, stream.controller.signal);
      stream.responses = responses[Symbol.asyncIterator]();
    }
    return stream.responses.next();
  }

  /** Ends the stream, for whatever cause: every way out of it leads through here. */
  #disconnect(thrown: unknown): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.controller.abort();
    this.#retryInMs = 0;
    if (this.#ended || thrown === REOPENED) {
      return;
    }

    const cause = thrown instanceof Disconnect ? thrown : failed(toHatdError(thrown));
    if (cause.cause && this.#passing && isAboutAtLeastToken(cause.cause)) {
      this.#passing.reject(cause.cause);
      this.#passing = undefined;
      this.#core.atLeastToken = "";
      return;
    }
    const refused = cause.cause?.code === "UNAUTHENTICATED";
    if (refused && !this.#refused && this.#dialer.refuse()) {
      this.#refused = true;
    } else if (cause.cause && this.#core.endsForGood(cause.cause)) {
      this.#end(cause.cause);
      return;
    }

    if (cause.kind === "silent") {
      this.#dialer.renew();
    }
    const livedMs = stream?.since === undefined ? 0 : performance.now() - stream.since;
    this.#retryInMs = this.#core.disconnect(cause, livedMs);
    this.#notify({ kind: "disconnected", cause, retryInMs: this.#retryInMs });
  }

  #end(error: HatdError | undefined): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    this.#error = error;
    this.#closing.abort(error);
    this.#stream?.controller.abort(error);
    this.#passing?.reject(
      error ?? new Closed({ code: "CANCELLED", message: "the watch is closed" }),
    );
    this.#passing = undefined;
    this.#options.signal?.removeEventListener("abort", this.#cancel);
    this.#onEnd();
  }

  /** Tells the observer. What it throws is its own, as with listeners of events. */
  #notify(event: Lifecycle): void {
    try {
      this.#options.onLifecycle?.(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function failed(error: HatdError): Disconnect {
  return new Disconnect("failed", error.message, { cause: error });
}

/** Whether a stream was refused for the position that it was to include, and for that alone. */
function isAboutAtLeastToken({ reason, metadata }: HatdError): boolean {
  return (
    reason === "STORE_MISMATCH" ||
    (reason === "INVALID_TOKEN" && metadata["field"] === "at_least_token")
  );
}
