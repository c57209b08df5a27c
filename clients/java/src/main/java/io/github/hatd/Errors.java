package io.github.hatd;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.github.hatd.v1.ErrorReason;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Makes errors of what a call ended with. */
final class Errors {

  /** The domain of hatd's {@code google.rpc.ErrorInfo}; reasons of another are not hatd's. */
  private static final String DOMAIN = "hatd.v1";

  /** The longest duration of protobuf, in seconds: {@code google/protobuf/duration.proto}. */
  private static final long DURATION_SECONDS_MAX = 315_576_000_000L;

  /** Where gRPC puts the {@code google.rpc.Status} of an error that has details. */
  static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private Errors() {}

  /** Makes the error of a call that did not end with OK. */
  static HatdException of(Status ended, Metadata trailers, String requestId) {
    // Where a call meets a connection that is just being closed, the transport knows no more than
    // that. Statuses of the server have no cause.
    boolean closed =
        ended.getCode() == Status.Code.UNKNOWN && ended.getCause() instanceof IOException;
    Status status = closed ? Status.UNAVAILABLE.withCause(ended.getCause()) : ended;
    com.google.rpc.Status details = details(trailers);
    Optional<ErrorInfo> info =
        detail(details, ErrorInfo.class).filter(found -> found.getDomain().equals(DOMAIN));
    return of(
        new Failure(
            status.getCode(),
            info.map(ErrorInfo::getReason).orElse(""),
            message(status),
            info.map(found -> Map.copyOf(found.getMetadataMap())).orElse(Map.of()),
            requestId,
            detail(details, BadRequest.class).stream()
                .flatMap(found -> found.getFieldViolationsList().stream())
                .map(
                    found ->
                        new HatdException.FieldViolation(found.getField(), found.getDescription()))
                .toList(),
            detail(details, ResourceInfo.class)
                .map(
                    found ->
                        new HatdException.Resource(
                            found.getResourceType(), found.getResourceName()))
                .orElse(null),
            detail(details, RetryInfo.class)
                .flatMap(found -> duration(found.getRetryDelay()))
                .orElse(null),
            status.getCause()));
  }

  /** Makes the error of the type that belongs to the reason. */
  static HatdException of(Failure failure) {
    ErrorReason reason =
        failure.reason().isEmpty() ? null : reason("ERROR_REASON_" + failure.reason());
    if (reason == null) {
      return new HatdException(failure);
    }
    return switch (reason) {
      case ERROR_REASON_ROOM_NOT_FOUND -> new RoomNotFoundException(failure);
      case ERROR_REASON_USER_NOT_AFFILIATED -> new UserNotAffiliatedException(failure);
      case ERROR_REASON_HAT_NOT_DEFINED -> new HatNotDefinedException(failure);
      case ERROR_REASON_HAT_NOT_FOUND -> new HatNotFoundException(failure);
      case ERROR_REASON_INVALID_ROOM_JID -> new InvalidRoomJidException(failure);
      case ERROR_REASON_INVALID_USER_JID -> new InvalidUserJidException(failure);
      case ERROR_REASON_INVALID_HAT_ID -> new InvalidHatIdException(failure);
      case ERROR_REASON_INVALID_TITLE -> new InvalidTitleException(failure);
      case ERROR_REASON_INVALID_FIELD -> new InvalidFieldException(failure);
      case ERROR_REASON_INVALID_PAGE_TOKEN -> new InvalidPageTokenException(failure);
      case ERROR_REASON_INVALID_TOKEN -> new InvalidTokenException(failure);
      case ERROR_REASON_REQUEST_ID_REUSED -> new RequestIdReusedException(failure);
      case ERROR_REASON_HAT_REQUIRED -> new HatRequiredException(failure);
      case ERROR_REASON_HAT_NOT_SELF_ASSIGNABLE -> new HatNotSelfAssignableException(failure);
      case ERROR_REASON_PRECONDITION_FAILED -> new PreconditionFailedException(failure);
      case ERROR_REASON_SYNC_WOULD_REMOVE -> new SyncWouldRemoveException(failure);
      case ERROR_REASON_STORE_MISMATCH -> new StoreMismatchException(failure);
      case ERROR_REASON_ETAG_MISMATCH -> new EtagMismatchException(failure);
      case ERROR_REASON_RESUME_TOKEN_EXPIRED -> new ResumeTokenExpiredException(failure);
      case ERROR_REASON_TOO_MANY_HATS -> new TooManyHatsException(failure);
      case ERROR_REASON_TOO_MANY_DEFINITIONS -> new TooManyDefinitionsException(failure);
      case ERROR_REASON_TOO_MANY_WATCHES -> new TooManyWatchesException(failure);
      case ERROR_REASON_MESSAGE_TOO_LARGE -> new MessageTooLargeException(failure);
      case ERROR_REASON_OVERLOADED -> new OverloadedException(failure);
      case ERROR_REASON_DISK_FULL -> new DiskFullException(failure);
      case ERROR_REASON_UNAUTHENTICATED -> new UnauthenticatedException(failure);
      case ERROR_REASON_SCOPE_DENIED -> new ScopeDeniedException(failure);
      case ERROR_REASON_SHUTTING_DOWN -> new ShuttingDownException(failure);
      case ERROR_REASON_STORE_UNAVAILABLE -> new StoreUnavailableException(failure);
      case ERROR_REASON_TOKEN_NOT_REACHED -> new TokenNotReachedException(failure);
      case ERROR_REASON_STORE_CORRUPT -> new StoreCorruptException(failure);
      case ERROR_REASON_UNSPECIFIED, UNRECOGNIZED -> new HatdException(failure);
    };
  }

  /** Makes the error of a failure that the client itself noticed. */
  static HatdException local(Status.Code code, String message, Throwable cause) {
    return new HatdException(Failure.local(code, message, cause));
  }

  /** Reads a duration, unless it is negative or longer than protobuf allows. */
  static Optional<Duration> duration(com.google.protobuf.Duration duration) {
    boolean valid =
        duration.getSeconds() >= 0
            && duration.getSeconds() <= DURATION_SECONDS_MAX
            && duration.getNanos() >= 0;
    return valid
        ? Optional.of(Duration.ofSeconds(duration.getSeconds(), duration.getNanos()))
        : Optional.empty();
  }

  private static ErrorReason reason(String name) {
    for (ErrorReason reason : ErrorReason.values()) {
      if (reason.name().equals(name)) {
        return reason;
      }
    }
    return null;
  }

  private static String message(Status status) {
    if (status.getCode() == Status.Code.UNAVAILABLE && status.getCause() != null) {
      // The innermost cause says it best: "connection refused", not "io exception".
      Throwable innermost = status.getCause();
      while (innermost.getCause() != null) {
        innermost = innermost.getCause();
      }
      String why = innermost.getMessage();
      return "the server cannot be reached: " + (why == null ? "the connection closed" : why);
    }
    String description = status.getDescription();
    return description == null || description.isEmpty() ? status.getCode().name() : description;
  }

  private static com.google.rpc.Status details(Metadata trailers) {
    byte[] encoded = trailers == null ? null : trailers.get(DETAILS);
    if (encoded == null) {
      return com.google.rpc.Status.getDefaultInstance();
    }
    try {
      return com.google.rpc.Status.parseFrom(encoded);
    } catch (InvalidProtocolBufferException unreadable) {
      // The code and the message still stand.
      return com.google.rpc.Status.getDefaultInstance();
    }
  }

  private static <T extends Message> Optional<T> detail(
      com.google.rpc.Status status, Class<T> type) {
    for (Any detail : status.getDetailsList()) {
      if (detail.is(type)) {
        try {
          return Optional.of(detail.unpack(type));
        } catch (InvalidProtocolBufferException unreadable) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }
}
