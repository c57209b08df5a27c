import { HatdError } from "./errors.js";

/** The longest time that a timer takes, in milliseconds: it counts in 31 bits. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What may end something that is waited for. */
export interface Limits {
  /** Ends it with the code CANCELLED when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Ends it with the code DEADLINE_EXCEEDED after this many milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** What is pending in something that can be closed. */
export class Scope {
  readonly #pending = new Set<AbortController>();
  #closed: HatdError | undefined;

  /**
   * Does `work`, and aborts the signal that it is given, with a {@link HatdError}, when one of the
   * limits is reached or the scope is closed. `requestId` is for that error.
   */
  async run<T>(
    { signal, timeoutMs = Infinity }: Limits,
    work: (signal: AbortSignal) => Promise<T>,
    requestId = "",
  ): Promise<T> {
    const controller = new AbortController();
    const cancel = () => {
      controller.abort(cancelled(signal?.reason, requestId));
    };
    const timer =
      timeoutMs <= TIMER_MAX_MS &&
      setTimeout(() => {
        controller.abort(deadlineExceeded(timeoutMs, requestId));
      }, timeoutMs);
    this.#pending.add(controller);
    signal?.addEventListener("abort", cancel);
    if (this.#closed) {
      controller.abort(this.#closed);
    } else if (signal?.aborted) {
      cancel();
    }
    try {
      return await work(controller.signal);
    } finally {
      clearTimeout(timer || undefined);
      this.#pending.delete(controller);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Ends what is pending, and whatever comes, with `error`. The first call counts. */
  close(error: HatdError): void {
    this.#closed ??= error;
    for (const controller of this.#pending) {
      controller.abort(this.#closed);
    }
  }
}

/** Returns the error of what the caller's own signal ended, for the reason that it gave. */
export function cancelled(cause: unknown, requestId = ""): HatdError {
  return new HatdError({ code: "CANCELLED", message: "cancelled", requestId, cause });
}

function deadlineExceeded(timeoutMs: number, requestId: string): HatdError {
  const message = `no answer within ${String(timeoutMs / 1000)} s`;
  return new HatdError({ code: "DEADLINE_EXCEEDED", message, requestId });
}

/** Waits for `promise`, but only until `signal` is aborted: then it throws the signal's reason. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) {
      abort();
    }
    void promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", abort);
    });
  });
}

/** Waits so many milliseconds, but only until `signal` is aborted: then it throws its reason. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) {
    return;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await unlessAborted(elapsed, signal);
  } finally {
    clearTimeout(timer);
  }
}
