package io.github.hatd;

/**
 * The record has changed since the etag was read.
 *
 * <p>Code {@code ABORTED}. Metadata: {@code etag}, the present one.
 */
public final class EtagMismatchException extends HatdException {

  private static final long serialVersionUID = 1L;

  EtagMismatchException(Failure failure) {
    super(failure);
  }
}
