package io.github.hatd;

/**
 * More calls are waiting than the server takes.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. No metadata.
 */
public final class OverloadedException extends HatdException {

  private static final long serialVersionUID = 1L;

  OverloadedException(Failure failure) {
    super(failure);
  }
}
