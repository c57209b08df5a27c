package io.github.hatd;

/**
 * The server is shutting down.
 *
 * <p>Code {@code UNAVAILABLE}. No metadata.
 */
public final class ShuttingDownException extends HatdException {

  private static final long serialVersionUID = 1L;

  ShuttingDownException(Failure failure) {
    super(failure);
  }
}
