package io.github.hatd;

import io.grpc.Status;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Decides what follows a failed attempt of one call: another attempt while the server is
 * unavailable and there is time, or the error. Times are those of {@link System#nanoTime}.
 */
final class Retries {

  /** The first delay between two attempts is at most this. */
  private static final Duration BASE = Duration.ofMillis(50);

  /** No delay between two attempts is longer, unless the server asks for it. */
  private static final Duration CEILING = Duration.ofSeconds(2);

  private final Duration timeout;
  private final long deadline;
  private final Backoff backoff;
  private boolean keyRenewable;
  private HatdException lastUnavailable;

  Retries(Duration timeout, boolean keyRenewable, long now, RandomGenerator random) {
    this.timeout = timeout;
    this.deadline = now + Nanos.of(timeout);
    this.keyRenewable = keyRenewable;
    this.backoff = new Backoff(BASE, CEILING, random);
  }

  /**
   * Returns how long an attempt that begins now may take, in nanoseconds; negative if it is too
   * late.
   */
  long remaining(long now) {
    return deadline - now;
  }

  /**
   * Returns how long to wait before the next attempt, in nanoseconds.
   *
   * @throws HatdException if there is to be none
   */
  long delay(HatdException error, long now) {
    if (error.code() == Status.Code.DEADLINE_EXCEEDED) {
      throw deadlineExceeded(error, now);
    }
    if (error.code() == Status.Code.UNAUTHENTICATED && keyRenewable) {
      keyRenewable = false;
      return 0;
    }
    if (error.code() != Status.Code.UNAVAILABLE) {
      throw error;
    }

    long delay = backoff.next(error.retryDelay());
    // A wait past the deadline helps nobody: what happened says more than a late timeout.
    if (delay >= remaining(now)) {
      throw error;
    }
    lastUnavailable = error;
    return delay;
  }

  private HatdException deadlineExceeded(HatdException error, long now) {
    // The transport's own words at the deadline say less.
    String message =
        remaining(now) <= 0 ? "no answer within " + Nanos.seconds(timeout) : error.getMessage();
    Throwable cause = lastUnavailable != null ? lastUnavailable : error.getCause();
    return new HatdException(
        Failure.local(Status.Code.DEADLINE_EXCEEDED, message, cause)
            .withRequestId(error.requestId()));
  }
}
