package io.github.hatd;

/**
 * A title is too long or has characters that cannot be displayed safely.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidTitleException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidTitleException(Failure failure) {
    super(failure);
  }
}
