package io.github.hatd;

/**
 * The user does not have the hat.
 *
 * <p>Code {@code NOT_FOUND}. Metadata: {@code room_jid}, {@code user_jid}, {@code hat_id}.
 */
public final class HatNotFoundException extends HatdException {

  private static final long serialVersionUID = 1L;

  HatNotFoundException(Failure failure) {
    super(failure);
  }
}
