package io.github.hatd;

import io.grpc.Status;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What is known of a failed call. Null stands for a resource or a delay that was not given. */
record Failure(
    Status.Code code,
    String reason,
    String message,
    Map<String, String> metadata,
    String requestId,
    List<HatdException.FieldViolation> fieldViolations,
    HatdException.Resource resource,
    Duration retryDelay,
    Throwable cause)
    implements Serializable {

  /** A failure that the client itself noticed. */
  static Failure local(Status.Code code, String message, Throwable cause) {
    return new Failure(code, "", message, Map.of(), "", List.of(), null, null, cause);
  }

  Failure withRequestId(String requestId) {
    return new Failure(
        code, reason, message, metadata, requestId, fieldViolations, resource, retryDelay, cause);
  }
}
