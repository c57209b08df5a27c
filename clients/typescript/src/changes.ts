/// <reference lib="esnext.disposable" preserve="true" />
import type { HatdError } from "./errors.js";

/** What is different in a mirror. */
export interface Change {
  /** The room. */
  readonly roomJid: string;
  /** The user whose document changed. Empty: the room itself or its catalogue did. */
  readonly userJid: string;
}

/**
 * What changes in a mirror, from when this was made.
 *
 * It holds what the caller has not asked for yet, each room and user once: however slow the caller,
 * it is no more than the mirror holds. What is different now is read from the mirror.
 */
export class Changes implements AsyncIterableIterator<Change, undefined, undefined> {
  readonly #onEnd: () => void;
  /** What changed, by both JIDs, in the order in which it first did. */
  readonly #changes = new Map<string, Change>();
  #waiting: (() => void)[] = [];
  #ended = false;
  /** Why it ended, until a caller has been told. */
  #error: HatdError | undefined;

  /** @internal `mirror.changes` makes these. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Returns the next change, waiting for it as long as it takes. */
  async next(): Promise<IteratorResult<Change, undefined>> {
    for (;;) {
      for (const [key, value] of this.#changes) {
        this.#changes.delete(key);
        return { done: false, value };
      }
      if (this.#ended) {
        const error = this.#error;
        this.#error = undefined;
        if (error) {
          throw error;
        }
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** Stops listening. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.#changes.clear();
    this.end(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** @internal */
  add(roomJid: string, userJid: string): void {
    // No JID holds a null character.
    this.#changes.set(`${roomJid}\0${userJid}`, { roomJid, userJid });
  }

  /** Wakes those who wait for what was added. @internal */
  wake(): void {
    for (const resolve of this.#waiting.splice(0)) {
      resolve();
    }
  }

  /** @internal */
  end(error: HatdError | undefined): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#error = error;
      this.wake();
      this.#onEnd();
    }
  }
}
