package io.github.hatd;

import io.grpc.Status;

/**
 * What to connect to is no address that the client can, or may, connect to as asked.
 *
 * <p>Code {@code INVALID_ARGUMENT}.
 */
public final class InvalidTargetException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidTargetException(String message, Throwable cause) {
    super(Failure.local(Status.Code.INVALID_ARGUMENT, message, cause));
  }

  @Override
  HatdException again() {
    return new InvalidTargetException(getMessage(), getCause());
  }
}
