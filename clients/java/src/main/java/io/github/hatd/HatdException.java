package io.github.hatd;

import io.grpc.Status;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Why a call failed.
 *
 * <p>There is one subclass for each {@link io.github.hatd.v1.ErrorReason ErrorReason}, such as
 * {@link RoomNotFoundException}: catch that, or branch on {@link #code()} where any reason of the
 * code will do. A reason that this version does not know, and an error that has none, are of this
 * type itself. The message is for people and may change.
 */
public class HatdException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** What is known of it. */
  private final Failure failure;

  HatdException(Failure failure) {
    super(failure.message(), failure.cause());
    this.failure = failure;
  }

  /**
   * Returns the gRPC code. What never reached the server has the code that gRPC gives it.
   *
   * @return the code, never {@code OK}
   */
  public final Status.Code code() {
    return failure.code();
  }

  /**
   * Returns hatd's reason as it came, such as {@code ROOM_NOT_FOUND}.
   *
   * @return the reason, empty if none was given
   */
  public final String reason() {
    return failure.reason();
  }

  /**
   * Returns what the reason is about; {@link io.github.hatd.v1.ErrorReason ErrorReason} names the
   * keys of each.
   *
   * @return the metadata of the reason, not modifiable
   */
  public final Map<String, String> metadata() {
    return failure.metadata();
  }

  /**
   * Returns the request id of the write that failed. Writing the same again with it is safe: it is
   * done once.
   *
   * @return the request id, empty if what failed is not a write
   */
  public final String requestId() {
    return failure.requestId();
  }

  /**
   * Returns the fields of the request that are wrong.
   *
   * @return the violations, not modifiable
   */
  public final List<FieldViolation> fieldViolations() {
    return failure.fieldViolations();
  }

  /**
   * Returns what was not found.
   *
   * @return the resource, if the server named one
   */
  public final Optional<Resource> resource() {
    return Optional.ofNullable(failure.resource());
  }

  /**
   * Returns how long the server asks to wait before trying again.
   *
   * @return the delay, if the server gave one
   */
  public final Optional<Duration> retryDelay() {
    return Optional.ofNullable(failure.retryDelay());
  }

  final Failure failure() {
    return failure;
  }

  /**
   * Makes the same error anew, with the stack of the thread that it is made in: that of the caller
   * says more than that of the thread which took the answer.
   */
  HatdException again() {
    return Errors.of(failure);
  }

  /**
   * A field of the request that is wrong.
   *
   * @param field the path of the field, such as {@code operations[3].add.hat_id}
   * @param description what is wrong with it, for people
   * @serial exclude
   */
  public record FieldViolation(String field, String description) implements Serializable {}

  /**
   * What was not found.
   *
   * @param kind what kind of thing it is
   * @param name its name
   * @serial exclude
   */
  public record Resource(String kind, String name) implements Serializable {}
}
