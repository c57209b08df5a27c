package io.github.hatd;

import io.grpc.Status;

/**
 * The client, the watch or the mirror was closed.
 *
 * <p>Code {@code CANCELLED}. A write that was pending may have been done all the same.
 */
public final class ClosedException extends HatdException {

  private static final long serialVersionUID = 1L;

  ClosedException(String message) {
    this(message, "");
  }

  ClosedException(String message, String requestId) {
    super(Failure.local(Status.Code.CANCELLED, message, null).withRequestId(requestId));
  }

  @Override
  HatdException again() {
    return new ClosedException(getMessage(), requestId());
  }
}
