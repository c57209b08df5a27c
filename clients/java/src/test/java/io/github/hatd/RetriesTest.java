package io.github.hatd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RetriesTest {

  private static final long SECOND = 1_000_000_000L;

  private static Retries retries(boolean keyRenewable) {
    return new Retries(Duration.ofSeconds(5), keyRenewable, 0, new SplittableRandom(1));
  }

  private static HatdException error(Status.Code code, Duration retryDelay) {
    return new HatdException(
        new Failure(code, "", "no", Map.of(), "id-1", List.of(), null, retryDelay, null));
  }

  private static HatdException error(Status.Code code) {
    return error(code, null);
  }

  @Test
  void whatIsUnavailableIsTriedAgainSoon() {
    Retries retries = retries(false);
    for (long ceilingMillis : List.of(50L, 100L, 200L, 400L)) {
      long delay = retries.delay(error(Status.Code.UNAVAILABLE), 0);
      assertTrue(delay >= 0 && delay <= ceilingMillis * 1_000_000, () -> delay + " ns");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {"OK", "UNAVAILABLE"},
      mode = EnumSource.Mode.EXCLUDE)
  void nothingElseIsTriedAgain(Status.Code code) {
    HatdException error = error(code);
    HatdException thrown = assertThrows(HatdException.class, () -> retries(false).delay(error, 0));
    assertEquals(code, thrown.code());
    assertEquals("no", thrown.getMessage());
  }

  @Test
  void aDelayThatTheServerAsksForIsWaited() {
    HatdException error = error(Status.Code.UNAVAILABLE, Duration.ofSeconds(2));
    long delay = retries(false).delay(error, 0);
    assertTrue(delay >= 2 * SECOND && delay <= 3 * SECOND, () -> delay + " ns");
  }

  @Test
  void aDelayPastTheDeadlineIsNotWaited() {
    HatdException error = error(Status.Code.UNAVAILABLE, Duration.ofSeconds(2));
    assertSame(
        error, assertThrows(HatdException.class, () -> retries(false).delay(error, 4 * SECOND)));
  }

  @Test
  void aDeadlineThatPassedSaysWhatWentWrongBefore() {
    Retries retries = retries(false);
    HatdException unavailable = error(Status.Code.UNAVAILABLE);
    retries.delay(unavailable, SECOND);
    HatdException late =
        assertThrows(
            HatdException.class,
            () -> retries.delay(error(Status.Code.DEADLINE_EXCEEDED), 5 * SECOND));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, late.code());
    assertEquals("no answer within 5 s", late.getMessage());
    assertEquals("id-1", late.requestId());
    assertSame(unavailable, late.getCause());
  }

  @Test
  void anotherApiKeyIsTriedOnce() {
    Retries retries = retries(true);
    HatdException refused = error(Status.Code.UNAUTHENTICATED);
    assertEquals(0, retries.delay(refused, 0));
    assertThrows(HatdException.class, () -> retries.delay(refused, 0));
    assertThrows(HatdException.class, () -> retries(false).delay(refused, 0));
  }

  @Test
  void eachAttemptHasTheTimeThatIsLeft() {
    Retries retries = retries(false);
    assertEquals(5 * SECOND, retries.remaining(0));
    assertEquals(SECOND, retries.remaining(4 * SECOND));
  }
}
