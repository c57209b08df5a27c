package io.github.hatd;

/**
 * A precondition of UpdateRoomHats does not hold.
 *
 * <p>Code {@code FAILED_PRECONDITION}. Metadata: {@code precondition_index}, {@code room_jid},
 * {@code user_jid}.
 */
public final class PreconditionFailedException extends HatdException {

  private static final long serialVersionUID = 1L;

  PreconditionFailedException(Failure failure) {
    super(failure);
  }
}
