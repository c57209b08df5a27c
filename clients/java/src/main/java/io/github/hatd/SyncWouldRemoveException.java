package io.github.hatd;

/**
 * The sync would remove more hats than it allows.
 *
 * <p>Code {@code FAILED_PRECONDITION}. Metadata: {@code removed_hats}, {@code max_removed_hats}.
 */
public final class SyncWouldRemoveException extends HatdException {

  private static final long serialVersionUID = 1L;

  SyncWouldRemoveException(Failure failure) {
    super(failure);
  }
}
