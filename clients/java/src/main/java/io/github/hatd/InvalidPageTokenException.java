package io.github.hatd;

/**
 * Not a page token of this list.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidPageTokenException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidPageTokenException(Failure failure) {
    super(failure);
  }
}
