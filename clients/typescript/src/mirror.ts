/// <reference lib="esnext.disposable" preserve="true" />
import { Changes } from "./changes.js";
import type { DisplayedHat } from "./display.js";
import { Closed, type HatdError } from "./errors.js";
import { toHatdError } from "./status.js";
import type { Lifecycle, Selector, WatchCounters, WatchEvent, WatchOptions } from "./events.js";
import type { HatDefinition, Room, UserHats } from "./gen/hatd/v1/types_pb.js";
import { MirrorState } from "./mirror-state.js";
import { type Limits, Scope, unlessAborted } from "./scope.js";
import type { Watch } from "./watch.js";

/**
 * How long a write may take to show by itself, before the server is asked for it. It comes within
 * milliseconds, or never: something written later may have undone it. Our choice.
 */
const SHOWS_WITHIN_MS = 1_000;

/** What to mirror. */
export type MirrorOptions = Pick<
  WatchOptions,
  "selectors" | "heartbeatIntervalMs" | "reconnectDelayMaxMs" | "signal" | "onLifecycle"
>;

/** What {@link Mirror.waitFor} reads of an answer. Every answer that has a token is one. */
export interface Answer {
  readonly token: string;
  readonly changed?: boolean;
  readonly replayed?: boolean;
  readonly revision?: bigint;
  readonly userHats?: UserHats | undefined;
}

/**
 * The state of a scope, kept current in memory by a watch.
 *
 * It is read without waiting, and shows each commit whole or not at all. While a reset brings the
 * state anew, the old one answers, and is {@link stale}. JIDs are given as hatd answers them
 * (normalised), and what is returned is frozen.
 *
 * It works from when it is made until it is closed, or until the watch ends for good: then
 * {@link ready}, {@link waitFor} and {@link changes} throw why (see {@link Watch}), and the state
 * stays readable, and stale.
 */
export class Mirror {
  readonly #watch: Watch;
  readonly #selectors: readonly Selector[];
  readonly #state: MirrorState;
  readonly #listeners = new Set<Changes>();
  readonly #scope = new Scope();
  readonly #running: Promise<void>;
  readonly #onEnd: () => void;
  /** What is waited for until the state is such. */
  readonly #conditions = new Set<{ holds: () => boolean; resolve: (held: boolean) => void }>();
  /** The positions to be passed, in turn, and by how many each is waited for. */
  readonly #passes = new Map<string, { passed: Promise<void>; waiting: number }>();
  #lastPass: Promise<unknown> = Promise.resolve();
  #ready = false;
  #ended: HatdError | undefined;
  #lastError: Error | undefined;

  /** @internal `client.mirror` makes mirrors. */
  constructor(watch: (options: WatchOptions) => Watch, options: MirrorOptions, onEnd: () => void) {
    this.#selectors = options.selectors ?? [];
    this.#onEnd = onEnd;
    this.#state = new MirrorState((roomJid, userJid) => {
      for (const listener of this.#listeners) {
        listener.add(roomJid, userJid);
      }
    });
    this.#watch = watch({
      ...options,
      onLifecycle: (event) => {
        this.#observe(event);
        options.onLifecycle?.(event);
      },
    });
    this.#running = this.#run();
  }

  /** Whether the first snapshot is complete. */
  get isReady(): boolean {
    return this.#ready;
  }

  /**
   * Whether what is held may be old: before the first snapshot is complete, while another one
   * comes, from when something was lost, and once the mirror has ended. A connection that is down
   * does not make it stale by itself: see {@link lastResponseTime}.
   */
  get stale(): boolean {
    return !this.#state.complete || this.#ended !== undefined;
  }

  /** The token of the state. Empty until the first snapshot is complete. */
  get token(): string {
    return this.#watch.token;
  }

  /** What the watch under it has been through. */
  get counters(): WatchCounters {
    return this.#watch.counters;
  }

  /** When the last response came. */
  get lastResponseTime(): Date | undefined {
    return this.#watch.lastResponseTime;
  }

  /** Why the stream last ended; once the mirror has ended for good, why that did. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /**
   * Waits until the first snapshot is complete.
   *
   * @throws What ended the watch for good; {@link Closed}; CANCELLED or DEADLINE_EXCEEDED by
   * `limits`.
   */
  async ready(limits: Limits = {}): Promise<void> {
    await this.#scope.run(limits, (signal) => this.#until(() => this.#ready, signal));
  }

  /**
   * Returns the hats that a user wears in a room, as they are displayed and in that order.
   *
   * The title is the user's own, else the definition's, else the hat id; in a room whose policy is
   * DEFINED_ONLY the definition's comes first. With a `language` (BCP 47), the definition's is that
   * in the language that matches best (RFC 4647, lookup), if there is one. By user alone no
   * catalogue is mirrored: the user's own title and the hat id serve then.
   */
  hats(roomJid: string, userJid: string, language?: string): DisplayedHat[] {
    return this.#state.hats(roomJid, userJid, language);
  }

  /** Returns a user's document in a room, if it has hats. */
  document(roomJid: string, userJid: string): Readonly<UserHats> | undefined {
    return this.#state.document(roomJid, userJid);
  }

  /** Returns the documents of a room, or all, in no order. */
  users(roomJid?: string): Readonly<UserHats>[] {
    return roomJid === undefined ? this.#state.allDocuments() : this.#state.documents(roomJid);
  }

  /** Returns a room. */
  room(roomJid: string): Readonly<Room> | undefined {
    return this.#state.room(roomJid);
  }

  /** Returns the rooms, in no order. */
  rooms(): Readonly<Room>[] {
    return this.#state.rooms();
  }

  /** Returns a room's catalogue, in no order. */
  definitions(roomJid: string): Readonly<HatDefinition>[] {
    return this.#state.definitions(roomJid);
  }

  /**
   * Listens for what changes from now on; before the first snapshot is complete, what that brings.
   *
   *     for await (const { roomJid, userJid } of mirror.changes()) { … }
   *
   * Leaving the loop stops listening. It throws what ended the watch for good, or {@link Closed}.
   */
  changes(): Changes {
    const listener = new Changes(() => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    if (this.#ended) {
      listener.end(this.#ended);
    }
    return listener;
  }

  /**
   * Waits until the mirror includes what an answer, or the token of one, stands for: read your
   * writes. With an empty token it waits until the mirror is ready.
   *
   * @throws {@link StoreMismatch} or {@link InvalidToken} for a token that is not of this server's
   * store, which does not end the mirror; else as {@link ready}.
   */
  async waitFor(answer: Answer | string, limits: Limits = {}): Promise<void> {
    const { token } = typeof answer === "string" ? { token: answer } : answer;
    await this.#scope.run(limits, async (signal) => {
      await this.#until(() => this.#ready, signal);
      if (token && !(typeof answer === "object" && (await this.#sees(answer, signal)))) {
        await this.#pass(token, signal);
      }
    });
  }

  /** Closes the mirror; what is pending ends with {@link Closed}. Closing again does no harm. */
  async close(): Promise<void> {
    this.#end(new Closed({ code: "CANCELLED", message: "the mirror is closed" }));
    await this.#watch.close();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    try {
      for await (const event of this.#watch) {
        this.#apply(event);
      }
    } catch (thrown) {
      this.#end(toHatdError(thrown));
    }
  }

  #end(error: HatdError): void {
    if (this.#ended) {
      return;
    }
    this.#ended = error;
    this.#lastError = error;
    this.#scope.close(error);
    for (const listener of this.#listeners) {
      listener.end(error);
    }
    this.#onEnd();
  }

  /** Applies an event, and wakes whoever waited for it. No reader runs in between. */
  #apply(event: WatchEvent): void {
    this.#state.apply(event);
    this.#ready ||= this.#state.complete;
    for (const condition of this.#conditions) {
      if (condition.holds()) {
        condition.resolve(true);
      }
    }
    for (const listener of this.#listeners) {
      listener.wake();
    }
  }

  #observe(event: Lifecycle): void {
    if (event.kind === "disconnected") {
      const { cause } = event;
      this.#lastError = cause.cause ?? cause;
      if (cause.kind === "chain-broken" || cause.kind === "revision-not-rising") {
        this.#state.lose();
      }
    }
  }

  /** Waits until something holds, or so long. Returns whether it does. */
  async #until(
    holds: () => boolean,
    signal: AbortSignal,
    giveUpAfterMs?: number,
  ): Promise<boolean> {
    signal.throwIfAborted();
    if (holds()) {
      return true;
    }
    let resolve: (held: boolean) => void = () => undefined;
    const held = new Promise<boolean>((resolveHeld) => {
      resolve = resolveHeld;
    });
    const condition = { holds, resolve };
    const timer =
      giveUpAfterMs !== undefined &&
      setTimeout(() => {
        resolve(false);
      }, giveUpAfterMs);
    this.#conditions.add(condition);
    try {
      return await unlessAborted(held, signal);
    } finally {
      clearTimeout(timer || undefined);
      this.#conditions.delete(condition);
    }
  }

  /**
   * Waits until the revision of a write is applied, where that will come by itself: the write
   * changed a document in scope which has hats. Returns whether it came: a reset has it come
   * otherwise, or not at all, as does a hat that is gone by now.
   */
  async #sees(answer: Answer, signal: AbortSignal): Promise<boolean> {
    const { userHats, revision } = answer;
    if (
      !answer.changed ||
      answer.replayed ||
      !userHats ||
      !revision ||
      Object.keys(userHats.hats).length === 0 ||
      !isSelected(userHats, this.#selectors)
    ) {
      return false;
    }
    const state = this.#state;
    const seen = () => state.complete && state.revision(userHats.roomJid) >= revision;
    await this.#until(() => !state.complete || seen(), signal, SHOWS_WITHIN_MS);
    return seen();
  }

  /** Waits until the state includes a position, which the server is asked to say: one at a time. */
  async #pass(token: string, signal: AbortSignal): Promise<void> {
    let pass = this.#passes.get(token);
    if (!pass) {
      const turn = this.#lastPass.then(() => this.#passInTurn(token));
      const passed = turn.finally(() => this.#passes.delete(token));
      this.#lastPass = passed.catch(() => undefined);
      pass = { passed, waiting: 0 };
      this.#passes.set(token, pass);
    }
    pass.waiting += 1;
    try {
      await unlessAborted(pass.passed, signal);
    } finally {
      pass.waiting -= 1;
    }
  }

  async #passInTurn(token: string): Promise<void> {
    if (this.#passes.get(token)?.waiting === 0) {
      this.#passes.delete(token);
      return;
    }
    // Not in mid-snapshot, which another stream would begin again.
    await this.#scope.run({}, async (signal) => {
      while (!this.#state.complete) {
        await this.#until(() => this.#state.complete, signal);
      }
    });
    await this.#watch.pass(token);
  }
}

/** Whether a document is selected, as far as can be told without normalising JIDs. */
function isSelected({ roomJid, userJid }: UserHats, selectors: readonly Selector[]): boolean {
  const matches = (selector: Selector) => {
    if ("roomDomain" in selector) {
      return roomJid.slice(roomJid.indexOf("@") + 1) === selector.roomDomain;
    }
    return (
      (!("roomJid" in selector) || selector.roomJid === roomJid) &&
      (selector.userJid === undefined || selector.userJid === userJid)
    );
  };
  return selectors.length === 0 || selectors.some(matches);
}
