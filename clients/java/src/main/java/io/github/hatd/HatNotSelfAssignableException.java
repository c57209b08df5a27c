package io.github.hatd;

/**
 * The hat's definition does not let users claim it.
 *
 * <p>Code {@code FAILED_PRECONDITION}. Metadata: {@code room_jid}, {@code hat_id}.
 */
public final class HatNotSelfAssignableException extends HatdException {

  private static final long serialVersionUID = 1L;

  HatNotSelfAssignableException(Failure failure) {
    super(failure);
  }
}
