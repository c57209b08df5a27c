import { create } from "@bufbuild/protobuf";
import { type Duration, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Backoff } from "./backoff.js";
import type { HatdError } from "./errors.js";
import { positiveMs } from "./status.js";
import { Disconnect, type WatchCounters, type WatchEvent, type WatchOptions } from "./events.js";
import {
  type Commit,
  Delivery,
  GoAwayReason,
  OnExpired,
  type WatchHatsRequest,
  WatchHatsRequestSchema,
  type WatchHatsResponse,
} from "./gen/hatd/v1/hat_service_pb.js";

/** The heartbeat interval of a server that is not told another. */
const HEARTBEAT_INTERVAL_MS = 15_000;
/** The bounds of the heartbeat interval: the contract. The server refuses what is outside them. */
const HEARTBEAT_INTERVAL_MIN_MS = 1_000;
const HEARTBEAT_INTERVAL_MAX_MS = 60_000;
/** How many heartbeat intervals of silence mean that the stream is dead. */
const SILENT_HEARTBEATS = 2.5;

/** The first delay before connecting again is at most this. */
const RECONNECT_BASE_MS = 100;
/** No delay before connecting again is longer, unless said otherwise. */
const RECONNECT_MAX_MS = 30_000;
/** A stream that lasted this long makes the delays short again. */
const HEALTHY_MS = 120_000;

/** The decisions of a watch: what to ask for, what to make of a response, when to come back. */
export class WatchCore {
  /** Silence for longer means that the stream is dead. */
  readonly silenceMaxMs: number;
  /** What the next stream is to include. The first bookmark has passed it, and empties it. */
  atLeastToken: string;
  readonly #heartbeatInterval: Duration;
  readonly #options: WatchOptions;
  readonly #backoff: Backoff;
  /** Where to start if there is no token to resume with. */
  #start: "snapshot" | "now" | "token";
  /** The token of the last response that the caller is done with. Empty: none. */
  #position: string;
  /** The token of the event that the caller has. It is the position once the caller is back. */
  #given: string | undefined;
  /** Whether a reset has come and its last page has not. */
  #inSnapshot = false;
  /** The last revision seen of each room, to hold the next one to. */
  readonly #revisions = new Map<string, bigint>();
  #reconnects = 0;
  #resets = 0;
  #chainBreaks = 0;

  constructor(options: WatchOptions) {
    const { start = "snapshot" } = options;
    const heartbeatIntervalMs = options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS;
    this.#heartbeatInterval = durationFromMs(heartbeatIntervalMs);
    // The server is given the time to refuse an interval, however short, and a timer fits however long.
    this.silenceMaxMs =
      SILENT_HEARTBEATS *
      Math.min(Math.max(heartbeatIntervalMs, HEARTBEAT_INTERVAL_MIN_MS), HEARTBEAT_INTERVAL_MAX_MS);
    this.atLeastToken = options.atLeastToken ?? "";
    this.#options = options;
    this.#backoff = new Backoff(RECONNECT_BASE_MS, options.reconnectDelayMaxMs ?? RECONNECT_MAX_MS);
    this.#start = typeof start === "string" ? start : "token";
    this.#position = typeof start === "string" ? "" : start.resumeToken;
  }

  /** The token of the last response that the caller is done with. Empty: none. */
  get position(): string {
    return this.#position;
  }

  get counters(): WatchCounters {
    return {
      reconnects: this.#reconnects,
      resets: this.#resets,
      chainBreaks: this.#chainBreaks,
    };
  }

  /** Takes note that the caller is done with the event that it was given. */
  acknowledge(): void {
    this.#position = this.#given ?? this.#position;
    this.#given = undefined;
  }

  /** Returns what to open the next stream with. */
  request(): WatchHatsRequest {
    this.#inSnapshot = false;
    return create(WatchHatsRequestSchema, {
      selectors: [...(this.#options.selectors ?? [])],
      start: this.#startOfStream(),
      delivery: Delivery.EVERY_COMMIT,
      onExpired: this.#options.onExpired === "fail" ? OnExpired.FAIL : OnExpired.RESET,
      heartbeatInterval: this.#heartbeatInterval,
      atLeastToken: this.atLeastToken,
    });
  }

  #startOfStream() {
    // Also if the token that the caller gave is empty: the server says what is wrong with that.
    if (this.#position || this.#start === "token") {
      return { case: "resumeToken" as const, value: this.#position };
    }
    return { case: this.#start, value: {} };
  }

  /**
   * Checks a response against the one before, and makes it an event.
   *
   * @throws {@link Disconnect} if the stream is over.
   */
  take({ after, token, event }: WatchHatsResponse): WatchEvent {
    if (after !== this.#position) {
      throw new Disconnect("chain-broken", "the chain of tokens is broken");
    }
    // From here on, a stream without a token to resume with starts with the state: what `now` has
    // let pass is not to be let pass twice.
    this.#start = "snapshot";

    switch (event.case) {
      case "reset":
        this.#resets += 1;
        this.#inSnapshot = true;
        this.#revisions.clear();
        this.#given = token;
        return { kind: "reset", reason: event.value.reason, token };
      case "snapshot":
        this.#inSnapshot &&= !event.value.complete;
        this.#given = token;
        return { kind: "snapshot", page: event.value, token };
      case "changes":
        if (!this.#inSnapshot) {
          this.#checkRevisions(event.value.commits);
        }
        this.#given = token;
        return { kind: "changes", commits: event.value.commits, token };
      case "bookmark":
        this.atLeastToken = "";
        this.#given = token;
        return { kind: "bookmark", serverTime: event.value.serverTime, token };
      case "goAway": {
        this.#position = token;
        const { reason, retryAfter } = event.value;
        const message =
          reason === GoAwayReason.SHUTDOWN ? "the server is shutting down" : "the stream was old";
        throw new Disconnect("go-away", message, {
          goAwayReason: reason,
          retryAfterMs: positiveMs(retryAfter),
        });
      }
      case undefined:
        throw new Disconnect("unknown-event", "a response holds no known event");
    }
  }

  /** Checks that the revisions of each room rise. */
  #checkRevisions(commits: readonly Commit[]): void {
    for (const { roomJid, revision } of commits) {
      const previous = this.#revisions.get(roomJid) ?? 0n;
      if (revision <= previous) {
        throw new Disconnect("revision-not-rising", `a revision of ${roomJid} does not rise`);
      }
      this.#revisions.set(roomJid, revision);
    }
  }

  /**
   * Takes note that the stream is over, `livedMs` after its first response. Returns how long to wait
   * before the next one, in milliseconds.
   */
  disconnect(cause: Disconnect, livedMs: number): number {
    if (cause.kind === "chain-broken" || cause.kind === "revision-not-rising") {
      this.#chainBreaks += 1;
      this.#position = "";
      this.#start = "snapshot";
      this.#revisions.clear();
    }
    if (livedMs >= HEALTHY_MS) {
      this.#backoff.reset();
    }
    this.#reconnects += 1;
    return this.#backoff.next(cause.retryAfterMs);
  }

  /** Whether a new stream would end as this one did. */
  endsForGood({ code, reason }: HatdError): boolean {
    switch (code) {
      case "INVALID_ARGUMENT":
      case "UNAUTHENTICATED":
      case "PERMISSION_DENIED":
      case "UNIMPLEMENTED":
      case "DATA_LOSS":
        return true;
      default: {
        const fails = this.#options.onExpired === "fail";
        return (
          (reason === "RESUME_TOKEN_EXPIRED" && fails) ||
          (reason === "STORE_MISMATCH" && (fails || this.atLeastToken !== ""))
        );
      }
    }
  }
}
