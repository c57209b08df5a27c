package io.github.hatd;

/**
 * The position to resume from is no longer kept, and the watch asked to fail then.
 *
 * <p>Code {@code OUT_OF_RANGE}. No metadata.
 */
public final class ResumeTokenExpiredException extends HatdException {

  private static final long serialVersionUID = 1L;

  ResumeTokenExpiredException(Failure failure) {
    super(failure);
  }
}
