package io.github.hatd;

/**
 * Too many watches are open.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. Metadata: {@code limit}.
 */
public final class TooManyWatchesException extends HatdException {

  private static final long serialVersionUID = 1L;

  TooManyWatchesException(Failure failure) {
    super(failure);
  }
}
