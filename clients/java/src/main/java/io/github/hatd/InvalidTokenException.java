package io.github.hatd;

/**
 * Not a token, damaged, or of a watch with other selectors.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidTokenException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidTokenException(Failure failure) {
    super(failure);
  }
}
