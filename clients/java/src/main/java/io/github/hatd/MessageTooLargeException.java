package io.github.hatd;

/**
 * The request is too large.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. Metadata: {@code limit}, in bytes.
 */
public final class MessageTooLargeException extends HatdException {

  private static final long serialVersionUID = 1L;

  MessageTooLargeException(Failure failure) {
    super(failure);
  }
}
