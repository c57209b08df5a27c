package io.github.hatd;

/**
 * The store cannot be read, or takes no writes.
 *
 * <p>Code {@code UNAVAILABLE}. No metadata.
 */
public final class StoreUnavailableException extends HatdException {

  private static final long serialVersionUID = 1L;

  StoreUnavailableException(Failure failure) {
    super(failure);
  }
}
