package io.github.hatd;

import java.time.Duration;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Exponential back-off with full jitter: uniform in zero to a ceiling that doubles. */
final class Backoff {

  /** The longest that a server's own delay is believed. Our choice. */
  private static final Duration HINT_MAX = Duration.ofMinutes(5);

  /** How often a delay doubles at most, so that nothing overflows. */
  private static final int DOUBLINGS_MAX = 16;

  private final long baseNanos;
  private final long ceilingNanos;
  private final RandomGenerator random;
  private int attempts;

  Backoff(Duration base, Duration ceiling, RandomGenerator random) {
    this.baseNanos = base.toNanos();
    this.ceilingNanos = Nanos.of(ceiling);
    this.random = random;
  }

  /** Begins again at the shortest delays. */
  void reset() {
    attempts = 0;
  }

  /**
   * Returns the delay before the next attempt, in nanoseconds.
   *
   * <p>A delay that the server gave wins over ours, prolonged by up to a half, so that the clients
   * it was given to do not come back together.
   */
  long next(Optional<Duration> hint) {
    long doubled = baseNanos << Math.min(attempts, DOUBLINGS_MAX);
    attempts = Math.min(attempts + 1, DOUBLINGS_MAX);
    long asked = hint.map(Nanos::of).orElse(0L);
    if (asked > 0) {
      long least = Math.min(asked, HINT_MAX.toNanos());
      return random.nextLong(least, least + least / 2 + 1);
    }
    return random.nextLong(Math.min(doubled, ceilingNanos) + 1);
  }
}
