package io.github.hatd;

/**
 * Not the bare JID of a user.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidUserJidException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidUserJidException(Failure failure) {
    super(failure);
  }
}
