package io.github.hatd;

import io.github.hatd.v1.Commit;
import io.github.hatd.v1.GoAwayReason;
import io.github.hatd.v1.OnExpired;
import io.github.hatd.v1.StartNow;
import io.github.hatd.v1.StartSnapshot;
import io.github.hatd.v1.WatchGoAway;
import io.github.hatd.v1.WatchHatsRequest;
import io.github.hatd.v1.WatchHatsResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * Decides what a watch does: when to open a stream and where to start it, whether what comes
 * follows what came before, and what the end of a stream means.
 *
 * <p>It is told what happens and says what to do about it, one thing at a time; it does no I/O and
 * reads no clock. Times are those of {@link System#nanoTime}.
 */
final class WatchCore {

  /** What the core has done for it. At most one of the calls is the last of what it decides. */
  interface Actions {

    /** Opens a stream and asks it for one response. */
    void open(WatchHatsRequest request);

    /** Asks the stream for one more response. */
    void pull();

    /** Ends the stream, if it has not ended. Nothing that it does from now on counts. */
    void cancel();

    /** Has {@link WatchCore#time} called then; earlier, or once more, does no harm. */
    void wakeAt(long nanos);

    /** Gives the event that was asked for. */
    void give(Event event);

    /** Gives the error that the watch ended with to the one who asks for an event. */
    void fail(HatdException error);

    void connected();

    void disconnected(Disconnect cause, Duration retryIn);

    /** Says that the server refused the token that the stream was reopened with. */
    void reopenRefused(HatdException error);
  }

  /** How many halves of a heartbeat interval of silence mean that the stream is dead. */
  private static final int SILENT_HALF_HEARTBEATS = 5;

  /** The least heartbeat interval that the server takes: the contract. */
  private static final Duration HEARTBEAT_INTERVAL_MIN = Duration.ofSeconds(1);

  /** The first delay before connecting again is at most this. Our choice. */
  private static final Duration RECONNECT_BASE = Duration.ofMillis(100);

  /** A stream that lasted this long makes the delays short again. Our choice. */
  private static final Duration HEALTHY = Duration.ofMinutes(2);

  private final Actions actions;
  private final WatchHatsRequest.Builder request;
  private final Duration silenceMax;
  private final boolean keyRenewable;
  private final Backoff backoff;

  /** Where to start if there is no token to resume with. */
  private WatchOptions.Start start;

  /** The token of the last response that the caller is done with. Empty: none. */
  private String position;

  /** The token of the event that the caller has: the position once the caller is back. */
  private String given;

  /** Whether the caller waits for an event. */
  private boolean asked;

  private boolean open;

  /** Whether the open stream has answered, and when it first did. */
  private boolean answered;

  private long answeredSince;

  /** When the caller began to wait for a response: the caller's own time is no silence. */
  private long waitingSince;

  /** Without a stream: when the next may be opened. */
  private long notBefore;

  /** Whether another API key was asked for since a stream last answered. */
  private boolean keyRenewed;

  /** Whether a reset has come and its last page has not. */
  private boolean inSnapshot;

  /** Whether the stream carries the token of {@link #reopen}, and no bookmark has come since. */
  private boolean reopened;

  /** The last revision seen of each room, to hold the next one to. */
  private final Map<String, Long> revisions = new HashMap<>();

  /** The error that the watch ended with. Null: it has not. */
  private HatdException failure;

  private boolean failureGiven;

  private long reconnects;
  private long resets;
  private long chainBreaks;

  WatchCore(
      WatchOptions options,
      boolean keyRenewable,
      long now,
      RandomGenerator random,
      Actions actions) {
    this.actions = actions;
    this.keyRenewable = keyRenewable;
    this.start = options.start();
    this.position = options.resumeToken();
    this.notBefore = now;
    this.backoff = new Backoff(RECONNECT_BASE, options.reconnectDelayMax(), random);
    Duration interval = options.heartbeatInterval();
    this.request =
        WatchHatsRequest.newBuilder()
            .addAllSelectors(options.selectors())
            .setOnExpired(options.onExpired())
            .setAtLeastToken(options.atLeastToken());
    request
        .getHeartbeatIntervalBuilder()
        .setSeconds(interval.getSeconds())
        .setNanos(interval.getNano());
    // An interval that the server refuses leaves it the time to say so.
    long half = Math.max(Nanos.of(interval), HEARTBEAT_INTERVAL_MIN.toNanos()) / 2;
    this.silenceMax =
        Duration.ofNanos(
            Math.min(half, Nanos.MAX / SILENT_HALF_HEARTBEATS) * SILENT_HALF_HEARTBEATS);
  }

  /** Returns the token after the last event that is processed. Empty: start with a snapshot. */
  String position() {
    return position;
  }

  Counters counters() {
    return new Counters(reconnects, resets, chainBreaks);
  }

  /** The caller asks for an event, and is done with the one before. */
  void ask(long now) {
    if (failure != null) {
      actions.fail(failureGiven ? new WatchEndedException(failure) : failure);
      failureGiven = true;
      return;
    }
    if (given != null) {
      position = given;
      given = null;
    }
    asked = true;
    proceed(now);
  }

  /** A response came. */
  void response(WatchHatsResponse response, long now) {
    if (!answered) {
      answered = true;
      answeredSince = now;
      keyRenewed = false;
      actions.connected();
    }
    if (!response.getAfter().equals(position)) {
      disconnect(Disconnect.of(Disconnect.Kind.CHAIN_BROKEN, "the chain of tokens is broken"), now);
      return;
    }
    // From here on, a stream without a token to resume with starts with the state: what `now` has
    // let pass is not to be let pass twice.
    start = WatchOptions.Start.SNAPSHOT;

    String token = response.getToken();
    switch (response.getEventCase()) {
      case RESET -> {
        resets++;
        inSnapshot = true;
        revisions.clear();
        give(new Event.Reset(response.getReset().getReason()), token);
      }
      case SNAPSHOT -> {
        inSnapshot &= !response.getSnapshot().getComplete();
        give(new Event.Snapshot(response.getSnapshot(), token), token);
      }
      case CHANGES -> {
        List<Commit> commits = response.getChanges().getCommitsList();
        String notRising = inSnapshot ? null : notRising(commits);
        if (notRising == null) {
          give(new Event.Changes(commits, token), token);
        } else {
          String message = "a revision of " + notRising + " does not rise";
          disconnect(Disconnect.of(Disconnect.Kind.REVISION_NOT_RISING, message), now);
        }
      }
      case BOOKMARK -> {
        // The first bookmark has passed it; asking again could only fail.
        request.clearAtLeastToken();
        reopened = false;
        give(new Event.Bookmark(response.getBookmark().getServerTime(), token), token);
      }
      case GO_AWAY -> {
        position = token;
        disconnect(goneAway(response.getGoAway()), now);
      }
      case EVENT_NOT_SET ->
          disconnect(
              Disconnect.of(Disconnect.Kind.UNKNOWN_EVENT, "a response holds no known event"), now);
    }
  }

  /** The stream ended: with an error, or without a word if {@code error} is null. */
  void ended(HatdException error, long now) {
    disconnect(
        error == null
            ? Disconnect.of(Disconnect.Kind.ENDED, "the stream ended")
            : Disconnect.failed(error),
        now);
  }

  /** Time has passed. */
  void time(long now) {
    if (!asked) {
      return;
    }
    if (!open) {
      proceed(now);
    } else if (now - waitingSince >= silenceMax.toNanos()) {
      String message = "the server was silent for " + Nanos.seconds(silenceMax);
      disconnect(Disconnect.of(Disconnect.Kind.SILENT, message), now);
    } else {
      actions.wakeAt(waitingSince + silenceMax.toNanos());
    }
  }

  /**
   * Goes on with another stream, which asks for a state that includes a position: its first
   * bookmark has passed that. A stream that was to be opened later still is.
   */
  void reopen(String atLeastToken, long now) {
    request.setAtLeastToken(atLeastToken);
    reopened = true;
    if (open) {
      open = false;
      notBefore = now;
      actions.cancel();
    }
    proceed(now);
  }

  private void proceed(long now) {
    if (!asked) {
      return;
    }
    if (!open && now - notBefore < 0) {
      actions.wakeAt(notBefore);
      return;
    }
    waitingSince = now;
    actions.wakeAt(now + silenceMax.toNanos());
    if (open) {
      actions.pull();
    } else {
      open = true;
      answered = false;
      inSnapshot = false;
      actions.open(nextRequest());
    }
  }

  private WatchHatsRequest nextRequest() {
    if (!position.isEmpty()) {
      return request.setResumeToken(position).build();
    }
    return switch (start) {
      // The server says what is wrong with an empty token.
      case TOKEN -> request.setResumeToken("").build();
      case NOW -> request.setNow(StartNow.getDefaultInstance()).build();
      case SNAPSHOT -> request.setSnapshot(StartSnapshot.getDefaultInstance()).build();
    };
  }

  private void give(Event event, String token) {
    given = token;
    asked = false;
    actions.give(event);
  }

  /** Returns the first room a revision of which does not rise. Null: they all do. */
  private String notRising(List<Commit> commits) {
    for (Commit commit : commits) {
      String room = commit.getRoomJid();
      Long previous = revisions.put(room, commit.getRevision());
      if (previous != null && Long.compareUnsigned(commit.getRevision(), previous) <= 0) {
        return room;
      }
      if (commit.getRoomDeleted()) {
        revisions.remove(room);
      }
    }
    return null;
  }

  private static Disconnect goneAway(WatchGoAway goAway) {
    String message =
        goAway.getReason() == GoAwayReason.GO_AWAY_REASON_SHUTDOWN
            ? "the server is shutting down"
            : "the stream was old";
    return new Disconnect(
        Disconnect.Kind.GO_AWAY,
        message,
        Optional.empty(),
        Errors.duration(goAway.getRetryAfter()));
  }

  /** Ends the stream, for whatever cause: every way out of it leads through here. */
  private void disconnect(Disconnect cause, long now) {
    open = false;
    actions.cancel();

    HatdException error = cause.error().orElse(null);
    if (error != null && reopened && refusesAtLeastToken(error)) {
      reopened = false;
      request.clearAtLeastToken();
      notBefore = now;
      actions.reopenRefused(error);
      proceed(now);
      return;
    }
    if (error != null && endsForGood(error)) {
      failure = error;
      if (asked) {
        asked = false;
        failureGiven = true;
        actions.fail(error);
      }
      return;
    }
    if (cause.losesPosition()) {
      chainBreaks++;
      position = "";
      start = WatchOptions.Start.SNAPSHOT;
      revisions.clear();
    }

    if (answered && now - answeredSince >= HEALTHY.toNanos()) {
      backoff.reset();
    }
    long delay = backoff.next(cause.retryAfter());
    reconnects++;
    notBefore = now + delay;
    actions.disconnected(cause, Duration.ofNanos(delay));
    proceed(now);
  }

  private static boolean refusesAtLeastToken(HatdException error) {
    return error instanceof StoreMismatchException
        || (error instanceof InvalidTokenException
            && "at_least_token".equals(error.metadata().get("field")));
  }

  /** Whether a new stream would end as this one did. */
  private boolean endsForGood(HatdException error) {
    if (error.code() == Status.Code.UNAUTHENTICATED && keyRenewable && !keyRenewed) {
      keyRenewed = true;
      return false;
    }
    boolean failsOnExpired = request.getOnExpired() == OnExpired.ON_EXPIRED_FAIL;
    boolean asksForPosition = !request.getAtLeastToken().isEmpty();
    return switch (error.code()) {
      case INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED, DATA_LOSS -> true;
      default ->
          (error instanceof ResumeTokenExpiredException && failsOnExpired)
              || (error instanceof StoreMismatchException && (failsOnExpired || asksForPosition));
    };
  }
}
