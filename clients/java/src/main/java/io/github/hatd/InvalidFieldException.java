package io.github.hatd;

/**
 * Another field is missing, out of range, or beyond a limit.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidFieldException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidFieldException(Failure failure) {
    super(failure);
  }
}
