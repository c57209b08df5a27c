package io.github.hatd;

import static io.github.hatd.Responses.ROOM;
import static io.github.hatd.Responses.bookmark;
import static io.github.hatd.Responses.changes;
import static io.github.hatd.Responses.commit;
import static io.github.hatd.Responses.complete;
import static io.github.hatd.Responses.reset;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.hatd.v1.OnExpired;
import io.github.hatd.v1.WatchHatsRequest;
import io.github.hatd.v1.WatchHatsRequest.StartCase;
import io.github.hatd.v1.WatchHatsResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WatchCoreTest {

  private static final long SECOND = 1_000_000_000L;

  /** Does what the core says, with a clock that stands still until the core is to be woken. */
  private static final class Script implements WatchCore.Actions {

    private final List<String> log = new ArrayList<>();
    private final WatchCore core;
    private long now;
    private long wakeAt = Long.MAX_VALUE;
    private WatchHatsRequest opened;
    private int streams;
    private Event given;
    private HatdException failed;
    private HatdException refused;
    private Disconnect disconnected;
    private Duration retryIn;

    Script(WatchOptions options) {
      this(options, false);
    }

    Script(WatchOptions options, boolean keyRenewable) {
      core = new WatchCore(options, keyRenewable, 0, new SplittableRandom(1), this);
    }

    @Override
    public void open(WatchHatsRequest request) {
      opened = request;
      streams++;
      log.add("open");
    }

    @Override
    public void pull() {
      log.add("pull");
    }

    @Override
    public void cancel() {
      log.add("cancel");
    }

    @Override
    public void wakeAt(long nanos) {
      wakeAt = nanos;
    }

    @Override
    public void give(Event event) {
      given = event;
    }

    @Override
    public void fail(HatdException error) {
      failed = error;
    }

    @Override
    public void connected() {
      log.add("connected");
    }

    @Override
    public void disconnected(Disconnect cause, Duration retryIn) {
      disconnected = cause;
      this.retryIn = retryIn;
    }

    @Override
    public void reopenRefused(HatdException error) {
      refused = error;
    }

    Script ask() {
      given = null;
      failed = null;
      core.ask(now);
      return this;
    }

    Script respond(WatchHatsResponse response) {
      core.response(response, now);
      return this;
    }

    /** Asks for an event, and responds with one. */
    Script take(WatchHatsResponse response) {
      ask().respond(response);
      assertTrue(given != null, "no event was given");
      return this;
    }

    Script end(HatdException error) {
      core.ended(error, now);
      return this;
    }

    /** Lets time pass until the core is to be woken. */
    Script wake() {
      now = wakeAt;
      core.time(now);
      return this;
    }

    StartCase start() {
      return opened.getStartCase();
    }
  }

  private static HatdException error(Status.Code code, String reason) {
    return Errors.of(new Failure(code, reason, "no", Map.of(), "", List.of(), null, null, null));
  }

  private static HatdException unavailable() {
    return error(Status.Code.UNAVAILABLE, "");
  }

  /** A watch that has its first bookmark, with token t2. */
  private static Script current(WatchOptions options) {
    return new Script(options).take(reset()).take(complete("t1")).take(bookmark("t1", "t2"));
  }

  @Test
  void nothingIsSentBeforeTheFirstEventIsAskedFor() {
    Script script = new Script(WatchOptions.of());
    assertEquals(List.of(), script.log);
    script.ask();
    assertEquals(List.of("open"), script.log);
    assertEquals(StartCase.SNAPSHOT, script.start());
    assertEquals(15, script.opened.getHeartbeatInterval().getSeconds());
  }

  @Test
  void oneResponseIsAskedForAtATime() {
    Script script = new Script(WatchOptions.of()).take(reset());
    assertEquals(List.of("open", "connected"), script.log);
    script.ask();
    assertEquals(List.of("open", "connected", "pull"), script.log);
  }

  @Test
  void anEventIsProcessedWhenTheNextIsAskedFor() {
    Script script = new Script(WatchOptions.of()).take(reset()).take(complete("t1"));
    assertEquals("", script.core.position());
    script.ask();
    assertEquals("t1", script.core.position());
  }

  @Test
  void aStreamThatEndsIsResumedAfterWhatIsProcessed() {
    Script script = new Script(WatchOptions.of()).take(reset()).take(complete("t1"));
    script.end(unavailable());
    assertEquals(1, script.streams);
    script.ask().wake();
    assertEquals(2, script.streams);
    assertEquals("t1", script.opened.getResumeToken());
    assertEquals(new Counters(1, 1, 0), script.core.counters());
    script.respond(changes("t1", "t2"));
    assertEquals(new Event.Changes(List.of(), "t2"), script.given);
  }

  @Test
  void aStreamThatEndsInASnapshotStartsAgainWithIt() {
    Script script = new Script(WatchOptions.of()).take(reset()).end(null).ask().wake();
    assertEquals(StartCase.SNAPSHOT, script.start());
    assertEquals(Disconnect.Kind.ENDED, script.disconnected.kind());
  }

  @Test
  void aWatchFromNowOnNeverLetsAnythingPassAgain() {
    Script script = new Script(WatchOptions.of().withStartNow()).ask();
    assertEquals(StartCase.NOW, script.start());
    script.end(unavailable()).wake();
    assertEquals(StartCase.NOW, script.start());
    script.respond(bookmark("", "t1")).ask().respond(bookmark("lost", "t2"));
    assertEquals(Disconnect.Kind.CHAIN_BROKEN, script.disconnected.kind());
    script.wake();
    assertEquals(StartCase.SNAPSHOT, script.start());
  }

  @Test
  void aTokenOfTheCallersIsResumed() {
    Script script = new Script(WatchOptions.of().withResumeToken("t0")).ask();
    assertEquals("t0", script.opened.getResumeToken());
    script.respond(bookmark("t0", "t1"));
    assertEquals("t1", script.given.token());
  }

  @Test
  void anEmptyTokenIsTheServersToRefuse() {
    Script script = new Script(WatchOptions.of().withResumeToken("")).ask();
    assertEquals(StartCase.RESUME_TOKEN, script.start());
  }

  @Test
  void aBrokenChainStartsAgainWithASnapshot() {
    Script script = current(WatchOptions.of()).ask().respond(changes("t1", "t3"));
    assertNull(script.given);
    assertEquals(Disconnect.Kind.CHAIN_BROKEN, script.disconnected.kind());
    assertEquals(new Counters(1, 1, 1), script.core.counters());
    script.wake();
    assertEquals(StartCase.SNAPSHOT, script.start());
  }

  @Test
  void aRevisionThatDoesNotRiseStartsAgainWithASnapshot() {
    Script script = current(WatchOptions.of()).take(changes("t2", "t3", commit(ROOM, 7)));
    script.take(changes("t3", "t4", commit("loft@conference.localhost", 6)));
    script.ask().respond(changes("t4", "t5", commit(ROOM, 7)));
    assertEquals(Disconnect.Kind.REVISION_NOT_RISING, script.disconnected.kind());
    assertEquals(1, script.core.counters().chainBreaks());
    script.wake().respond(reset());
    script.take(complete("u1")).take(changes("u1", "u2", commit(ROOM, 7)));
  }

  @Test
  void revisionsAreUnsigned() {
    Script script = current(WatchOptions.of());
    script.take(changes("t2", "t3", commit(ROOM, Long.MAX_VALUE)));
    script.take(changes("t3", "t4", commit(ROOM, Long.MIN_VALUE)));
  }

  @Test
  void changesWithinASnapshotMayBringWhatItHas() {
    Script script = current(WatchOptions.of()).take(changes("t2", "t3", commit(ROOM, 7)));
    script.take(reset().toBuilder().setAfter("t3").build());
    script.take(changes("", "", commit(ROOM, 7)));
    script.take(changes("", "", commit(ROOM, 7)));
  }

  @Test
  void goAwayIsGivenTheTimeItAsksFor() {
    WatchHatsResponse.Builder goAway = WatchHatsResponse.newBuilder().setAfter("t2").setToken("t3");
    goAway.getGoAwayBuilder().getRetryAfterBuilder().setSeconds(4);
    Script script = current(WatchOptions.of()).ask().respond(goAway.build());
    assertNull(script.given);
    assertEquals(Disconnect.Kind.GO_AWAY, script.disconnected.kind());
    assertTrue(script.retryIn.compareTo(Duration.ofSeconds(4)) >= 0);
    assertTrue(script.retryIn.compareTo(Duration.ofSeconds(6)) <= 0);
    script.wake();
    assertEquals("t3", script.opened.getResumeToken());
  }

  @Test
  void anUnknownEventEndsTheStreamAndNotTheWatch() {
    WatchHatsResponse unknown = WatchHatsResponse.newBuilder().setAfter("t2").build();
    Script script = current(WatchOptions.of()).ask().respond(unknown);
    assertEquals(Disconnect.Kind.UNKNOWN_EVENT, script.disconnected.kind());
    script.wake();
    assertEquals("t2", script.opened.getResumeToken());
  }

  @Test
  void silenceEndsTheStreamButTheCallersOwnTimeIsNone() {
    Script script = current(WatchOptions.of().withHeartbeatInterval(Duration.ofSeconds(2)));
    script.now += 60 * SECOND;
    script.core.time(script.now);
    assertNull(script.disconnected);
    script.ask();
    assertEquals(script.now + 5 * SECOND, script.wakeAt);
    script.core.time(script.now + 5 * SECOND - 1);
    assertNull(script.disconnected);
    script.wake();
    assertEquals(Disconnect.Kind.SILENT, script.disconnected.kind());
    assertEquals("the server was silent for 5 s", script.disconnected.message());
  }

  @Test
  void aStreamThatNeverAnswersIsSilentToo() {
    Script script = new Script(WatchOptions.of()).ask();
    assertEquals((long) (37.5 * SECOND), script.wakeAt);
    script.wake();
    assertEquals(Disconnect.Kind.SILENT, script.disconnected.kind());
  }

  @Test
  void delaysGrowUntilAStreamHasBeenHealthy() {
    Script script = new Script(WatchOptions.of()).ask();
    long longest = 0;
    for (int attempt = 0; attempt < 20; attempt++) {
      script.end(unavailable());
      longest = Math.max(longest, script.retryIn.toNanos());
      script.wake();
    }
    assertTrue(longest > SECOND && longest <= 30 * SECOND, longest + " ns");

    script.respond(reset());
    script.now += 120 * SECOND;
    script.ask().end(unavailable());
    assertTrue(script.retryIn.compareTo(Duration.ofMillis(100)) <= 0, script.retryIn::toString);
  }

  @Test
  void aStreamThatNeverAnsweredWasNotHealthy() {
    Script script = new Script(WatchOptions.of().withHeartbeatInterval(Duration.ofMinutes(5)));
    script.ask();
    long longest = 0;
    for (int attempt = 0; attempt < 20; attempt++) {
      script.now += 130 * SECOND;
      script.end(unavailable());
      longest = Math.max(longest, script.retryIn.toNanos());
      script.wake();
    }
    assertTrue(longest > SECOND, longest + " ns");
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "UNIMPLEMENTED",
        "DATA_LOSS"
      })
  void aRefusalEndsTheWatch(Status.Code code) {
    HatdException refusal = error(code, "");
    Script script = new Script(WatchOptions.of()).ask().end(refusal);
    assertSame(refusal, script.failed);
    assertEquals(0, script.core.counters().reconnects());
    script.ask();
    assertEquals(WatchEndedException.class, script.failed.getClass());
    assertSame(refusal, script.failed.getCause());
    assertEquals(1, script.streams);
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {
        "OK",
        "INVALID_ARGUMENT",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "UNIMPLEMENTED",
        "DATA_LOSS"
      },
      mode = EnumSource.Mode.EXCLUDE)
  void everyOtherErrorIsOutlived(Status.Code code) {
    Script script = new Script(WatchOptions.of()).ask().end(error(code, "")).wake();
    assertEquals(2, script.streams);
  }

  @Test
  void aRefusalWhileTheCallerIsBusyIsGivenWhenItIsBack() {
    HatdException refusal = error(Status.Code.PERMISSION_DENIED, "SCOPE_DENIED");
    Script script = new Script(WatchOptions.of()).take(reset()).end(refusal);
    assertNull(script.failed);
    script.ask();
    assertSame(refusal, script.failed);
  }

  @Test
  void anotherApiKeyIsTriedOnce() {
    HatdException refusal = error(Status.Code.UNAUTHENTICATED, "UNAUTHENTICATED");
    Script script = new Script(WatchOptions.of(), true).ask().end(refusal);
    assertNull(script.failed);
    script.wake();
    script.respond(reset()).ask().end(refusal).wake();
    assertNull(script.failed);
    script.end(refusal);
    assertSame(refusal, script.failed);
  }

  @Test
  void anExpiredPositionEndsTheWatchOnlyIfAskedTo() {
    HatdException expired = error(Status.Code.OUT_OF_RANGE, "RESUME_TOKEN_EXPIRED");
    HatdException mismatch = error(Status.Code.FAILED_PRECONDITION, "STORE_MISMATCH");
    WatchOptions fail = WatchOptions.of().withOnExpired(OnExpired.ON_EXPIRED_FAIL);
    for (HatdException error : List.of(expired, mismatch)) {
      assertNull(new Script(WatchOptions.of()).ask().end(error).failed);
      assertSame(error, new Script(fail).ask().end(error).failed);
    }
    Script asks = new Script(WatchOptions.of().withAtLeastToken("other")).ask();
    assertSame(mismatch, asks.end(mismatch).failed);
  }

  @Test
  void aBookmarkHasPassedThePositionThatWasAskedFor() {
    Script script = current(WatchOptions.of().withAtLeastToken("w"));
    assertEquals("w", script.opened.getAtLeastToken());
    script.ask().end(unavailable()).wake();
    assertEquals("", script.opened.getAtLeastToken());
  }

  @Test
  void reopeningIsNoReconnect() {
    Script script = current(WatchOptions.of()).ask();
    script.core.reopen("w", script.now);
    assertEquals(2, script.streams);
    assertEquals("t2", script.opened.getResumeToken());
    assertEquals("w", script.opened.getAtLeastToken());
    assertEquals(0, script.core.counters().reconnects());
    script.end(unavailable()).wake();
    assertEquals("w", script.opened.getAtLeastToken());
  }

  @Test
  void reopeningDoesNotShortenADelay() {
    Script script = current(WatchOptions.of()).ask().end(unavailable());
    script.core.reopen("w", script.now);
    assertEquals(1, script.streams);
    script.wake();
    assertEquals("w", script.opened.getAtLeastToken());
  }

  @Test
  void aTokenThatIsRefusedWhenReopeningIsNoEnd() {
    Failure invalid =
        new Failure(
            Status.Code.INVALID_ARGUMENT,
            "INVALID_TOKEN",
            "no",
            Map.of("field", "at_least_token"),
            "",
            List.of(),
            null,
            null,
            null);
    List<HatdException> refusals =
        List.of(Errors.of(invalid), error(Status.Code.FAILED_PRECONDITION, "STORE_MISMATCH"));
    for (HatdException refusal : refusals) {
      Script script = current(WatchOptions.of()).ask();
      script.core.reopen("w", script.now);
      script.end(refusal);
      assertSame(refusal, script.refused);
      assertNull(script.failed);
      assertEquals(3, script.streams);
      assertEquals("", script.opened.getAtLeastToken());
      assertFalse(script.core.counters().reconnects() > 0);
    }
  }
}
