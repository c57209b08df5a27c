package io.github.hatd;

import io.grpc.Status;

/**
 * The watch ended for good earlier, with the error that is the cause of this one.
 *
 * <p>Code {@code FAILED_PRECONDITION}.
 */
public final class WatchEndedException extends HatdException {

  private static final long serialVersionUID = 1L;

  WatchEndedException(HatdException cause) {
    super(Failure.local(Status.Code.FAILED_PRECONDITION, "the watch has ended", cause));
  }

  @Override
  HatdException again() {
    return new WatchEndedException((HatdException) getCause());
  }
}
