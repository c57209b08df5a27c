package io.github.hatd;

/**
 * The token is of another store, or of another history of this one.
 *
 * <p>Code {@code FAILED_PRECONDITION}. Metadata: {@code field}.
 */
public final class StoreMismatchException extends HatdException {

  private static final long serialVersionUID = 1L;

  StoreMismatchException(Failure failure) {
    super(failure);
  }
}
