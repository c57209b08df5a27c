import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { HatdError } from "./errors.js";
import type {
  Commit,
  GoAwayReason,
  ResetReason,
  WatchSnapshot,
} from "./gen/hatd/v1/hat_service_pb.js";

/**
 * What a watch is about: a room (its record, its catalogue and its documents), a user (the user's
 * documents in all rooms, and the deletion of every room), a user in a room (that document, with
 * the room's record and catalogue), or all rooms of a domain.
 */
export type Selector =
  | { readonly roomJid: string; readonly userJid?: string }
  | { readonly userJid: string }
  | { readonly roomDomain: string };

/** What to watch, and from where. */
export interface WatchOptions {
  /** What the watch is about; several add up. None: all that the caller may see. */
  readonly selectors?: readonly Selector[] | undefined;
  /**
   * Where to start: with the state (`"snapshot"`, the default), with the next change (`"now"`), or
   * after a token: of a watch with the same selectors, or of any read or write.
   */
  readonly start?: "snapshot" | "now" | { readonly resumeToken: string } | undefined;
  /**
   * What the server does with a token that it cannot resume: send a reset and a snapshot
   * (`"reset"`, the default), or fail, which ends the watch.
   */
  readonly onExpired?: "reset" | "fail" | undefined;
  /**
   * How long the stream may be silent while nothing changes, in milliseconds: 1,000 to 60,000.
   * Default: 15,000. After two and a half intervals of silence the watch connects again.
   */
  readonly heartbeatIntervalMs?: number | undefined;
  /**
   * Starts with a state that includes this position: the token of any answer or watch. The first
   * bookmark has passed it.
   */
  readonly atLeastToken?: string | undefined;
  /**
   * No delay before connecting again is longer, in milliseconds, unless the server asks for it.
   * Default: 30,000.
   */
  readonly reconnectDelayMaxMs?: number | undefined;
  /** Closes the watch when it is aborted; what is pending then ends with the code CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** Is called whenever the stream under the watch ends and whenever a new one answers. */
  readonly onLifecycle?: ((event: Lifecycle) => void) | undefined;
}

/** What happens to the stream under a watch: for logs and metrics. */
export type Lifecycle =
  /** The server has answered on a new stream. */
  | { readonly kind: "connected" }
  /** The stream ended, or could not be opened; the watch goes on after `retryInMs`. */
  | { readonly kind: "disconnected"; readonly cause: Disconnect; readonly retryInMs: number };

/**
 * Why a stream under a watch ended:
 *
 * - `go-away`: the server said that it would end the stream, for `goAwayReason`;
 * - `ended`: the stream ended without a word;
 * - `failed`: it could not be opened, or broke, or the server ended it with an error, the `cause`;
 * - `silent`: nothing came for too long;
 * - `chain-broken`: a response does not follow the one before it, so that something was lost on the
 *   way: the watch starts again with a snapshot;
 * - `revision-not-rising`: a revision of a room does not rise: as above;
 * - `unknown-event`: a response has no event that this version of the package knows.
 */
export class Disconnect extends Error {
  override readonly name = "Disconnect";
  /** The error, if the stream failed. */
  declare readonly cause?: HatdError;
  readonly kind:
    | "go-away"
    | "ended"
    | "failed"
    | "silent"
    | "chain-broken"
    | "revision-not-rising"
    | "unknown-event";
  /** Why the server ends the stream, if it said `go-away`. */
  readonly goAwayReason: GoAwayReason | undefined;
  /** How long the server asks to wait, in milliseconds, if it does. */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: Disconnect["kind"],
    message: string,
    more: {
      cause?: HatdError;
      goAwayReason?: GoAwayReason;
      retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(message, more.cause && { cause: more.cause });
    this.kind = kind;
    this.goAwayReason = more.goAwayReason;
    this.retryAfterMs = more.retryAfterMs ?? more.cause?.retryDelayMs;
  }
}

/**
 * A step of a watch. Each takes the caller from the state that the tokens before it name to the
 * state that its own token names: where a watch may resume once the event is processed. Tokens are
 * opaque: keep the last one and hand it back, never compare two. Within a snapshot the token is
 * empty: a snapshot that is cut starts again.
 */
export type WatchEvent =
  /**
   * A snapshot follows: what is held and not in it, up to its last page, is gone. What is held
   * meanwhile is old, not wrong.
   */
  | { readonly kind: "reset"; readonly reason: ResetReason; readonly token: string }
  /** A page of the state. The last one is `complete`. */
  | { readonly kind: "snapshot"; readonly page: WatchSnapshot; readonly token: string }
  /**
   * Changes, in order, each commit with the whole new documents. They may be none, while the watch
   * catches up. Between a reset and the last page of its snapshot they bring documents up to date,
   * and are not news.
   */
  | { readonly kind: "changes"; readonly commits: Commit[]; readonly token: string }
  /** There was nothing more to send, by the server's clock. */
  | {
      readonly kind: "bookmark";
      readonly serverTime: Timestamp | undefined;
      readonly token: string;
    };

/** What a watch has been through. */
export interface WatchCounters {
  /** How often the stream ended, or could not be opened, and the watch went on. */
  readonly reconnects: number;
  /** How many resets came, that of an initial snapshot included. */
  readonly resets: number;
  /** How often something was found to be lost, and the watch started again with a snapshot. */
  readonly chainBreaks: number;
}
