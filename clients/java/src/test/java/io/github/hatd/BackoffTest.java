package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {

  private final SplittableRandom random = new SplittableRandom(1);

  private Backoff backoff() {
    return new Backoff(Duration.ofMillis(100), Duration.ofSeconds(30), random);
  }

  private static void assertWithin(long nanos, Duration least, Duration most) {
    assertTrue(
        nanos >= least.toNanos() && nanos <= most.toNanos(),
        () -> Duration.ofNanos(nanos) + " is not within " + least + " and " + most);
  }

  @Test
  void delaysStayUnderADoublingCeiling() {
    for (int round = 0; round < 200; round++) {
      Backoff backoff = backoff();
      for (int ceiling :
          List.of(100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000)) {
        assertWithin(backoff.next(Optional.empty()), Duration.ZERO, Duration.ofMillis(ceiling));
      }
    }
  }

  @Test
  void delaysAreSpreadOverTheWholeRange() {
    int below = 0;
    for (int round = 0; round < 1_000; round++) {
      below += backoff().next(Optional.empty()) < Duration.ofMillis(50).toNanos() ? 1 : 0;
    }
    assertTrue(below > 400 && below < 600, "of 1,000 delays, " + below + " in the lower half");
  }

  @Test
  void manyAttemptsDoNotOverflow() {
    Backoff backoff = backoff();
    for (int attempt = 0; attempt < 1_000; attempt++) {
      assertWithin(backoff.next(Optional.empty()), Duration.ZERO, Duration.ofSeconds(30));
    }
  }

  @Test
  void theServersDelayWinsAndIsNeverUndercut() {
    Duration hint = Duration.ofSeconds(7);
    for (int round = 0; round < 200; round++) {
      assertWithin(backoff().next(Optional.of(hint)), hint, Duration.ofMillis(10_500));
    }
  }

  @Test
  void aDelayBeyondReasonIsNotBelieved() {
    Optional<Duration> forever = Optional.of(Duration.ofSeconds(Long.MAX_VALUE));
    assertWithin(backoff().next(forever), Duration.ofMinutes(5), Duration.ofSeconds(450));
  }

  @Test
  void aDelayOfZeroIsNone() {
    Optional<Duration> zero = Optional.of(Duration.ZERO);
    assertWithin(backoff().next(zero), Duration.ZERO, Duration.ofMillis(100));
  }

  @Test
  void aCeilingBelowTheBaseHolds() {
    Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofMillis(20), random);
    for (int attempt = 0; attempt < 100; attempt++) {
      assertWithin(backoff.next(Optional.empty()), Duration.ZERO, Duration.ofMillis(20));
    }
  }
}
