package io.github.hatd;

/**
 * The user would have too many hats in the room, or too many bytes of them.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. Metadata: {@code room_jid}, {@code user_jid}, {@code limit},
 * {@code unit}.
 */
public final class TooManyHatsException extends HatdException {

  private static final long serialVersionUID = 1L;

  TooManyHatsException(Failure failure) {
    super(failure);
  }
}
