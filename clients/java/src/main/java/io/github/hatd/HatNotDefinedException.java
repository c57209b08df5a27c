package io.github.hatd;

/**
 * The room's catalogue lacks the hat, and the call needs it there.
 *
 * <p>Code {@code NOT_FOUND}. Metadata: {@code room_jid}, {@code hat_id}.
 */
public final class HatNotDefinedException extends HatdException {

  private static final long serialVersionUID = 1L;

  HatNotDefinedException(Failure failure) {
    super(failure);
  }
}
