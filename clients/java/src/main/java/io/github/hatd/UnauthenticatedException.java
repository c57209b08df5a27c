package io.github.hatd;

/**
 * No valid credential.
 *
 * <p>Code {@code UNAUTHENTICATED}. No metadata.
 */
public final class UnauthenticatedException extends HatdException {

  private static final long serialVersionUID = 1L;

  UnauthenticatedException(Failure failure) {
    super(failure);
  }
}
