package io.github.hatd;

import java.time.Duration;
import java.util.Optional;

/**
 * Why a stream under a watch ended.
 *
 * @param kind what happened
 * @param message what happened, for people
 * @param error the error that the stream ended with, if it is {@link Kind#FAILED}
 * @param retryAfter how long the server asks to wait, if it does
 */
public record Disconnect(
    Kind kind, String message, Optional<HatdException> error, Optional<Duration> retryAfter) {

  /** What happened. */
  public enum Kind {
    /** The server said that it would end the stream: it is old, or the server shuts down. */
    GO_AWAY,
    /** The stream ended without a word. */
    ENDED,
    /** The stream could not be opened, or broke, or the server ended it with an error. */
    FAILED,
    /** Nothing came for two and a half heartbeat intervals. */
    SILENT,
    /**
     * A response does not follow the one before it: something was lost on the way. The watch starts
     * again with a snapshot.
     */
    CHAIN_BROKEN,
    /** A revision of a room does not rise. The watch starts again with a snapshot. */
    REVISION_NOT_RISING,
    /** A response has no event that this version of the client knows. */
    UNKNOWN_EVENT,
  }

  /** Whether what was sent before cannot be built on. */
  boolean losesPosition() {
    return kind == Kind.CHAIN_BROKEN || kind == Kind.REVISION_NOT_RISING;
  }

  static Disconnect of(Kind kind, String message) {
    return new Disconnect(kind, message, Optional.empty(), Optional.empty());
  }

  static Disconnect failed(HatdException error) {
    return new Disconnect(Kind.FAILED, error.getMessage(), Optional.of(error), error.retryDelay());
  }
}
