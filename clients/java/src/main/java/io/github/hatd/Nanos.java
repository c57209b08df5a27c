package io.github.hatd;

import java.math.BigDecimal;
import java.time.Duration;

/** Time as {@link System#nanoTime} counts it. */
final class Nanos {

  /** Longer than anybody waits (146 years), and short enough to be added to any time. */
  static final long MAX = Long.MAX_VALUE / 2;

  private Nanos() {}

  /**
   * Returns how long a duration is in nanoseconds, none less than zero or more than {@link #MAX}.
   */
  static long of(Duration duration) {
    if (duration.isNegative()) {
      return 0;
    }
    try {
      return Math.min(duration.toNanos(), MAX);
    } catch (ArithmeticException tooLong) {
      return MAX;
    }
  }

  /** Writes a duration as people read it, such as {@code 37.5 s}. */
  static String seconds(Duration duration) {
    String seconds = BigDecimal.valueOf(of(duration), 9).stripTrailingZeros().toPlainString();
    return seconds + " s";
  }
}
