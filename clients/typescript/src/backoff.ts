/** The longest that a server's own delay is believed. Our choice. */
const HINT_MAX_MS = 300_000;

/** Exponential back-off with full jitter: uniform in zero to a ceiling that doubles. */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  #attempts = 0;

  constructor(baseMs: number, maxMs: number) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
  }

  /** Begins again at the shortest delays. */
  reset(): void {
    this.#attempts = 0;
  }

  /**
   * Returns the delay before the next attempt, in milliseconds.
   *
   * A delay that the server gave wins over ours, prolonged by up to a half, so that the clients it
   * was given to do not come back together.
   */
  next(hintMs = 0): number {
    const ceilingMs = Math.min(this.#baseMs * 2 ** this.#attempts, this.#maxMs);
    this.#attempts += 1;
    if (hintMs > 0) {
      return Math.min(hintMs, HINT_MAX_MS) * (1 + Math.random() / 2);
    }
    return Math.random() * ceilingMs;
  }
}
