package io.github.hatd;

/**
 * The caller may not do this.
 *
 * <p>Code {@code PERMISSION_DENIED}. No metadata.
 */
public final class ScopeDeniedException extends HatdException {

  private static final long serialVersionUID = 1L;

  ScopeDeniedException(Failure failure) {
    super(failure);
  }
}
