package io.github.hatd;

/**
 * Not an absolute URI, or too long.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidHatIdException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidHatIdException(Failure failure) {
    super(failure);
  }
}
