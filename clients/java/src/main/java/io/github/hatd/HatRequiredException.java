package io.github.hatd;

/**
 * The hat is required: its user can neither doff nor discard it.
 *
 * <p>Code {@code FAILED_PRECONDITION}. Metadata: {@code room_jid}, {@code user_jid}, {@code
 * hat_id}.
 */
public final class HatRequiredException extends HatdException {

  private static final long serialVersionUID = 1L;

  HatRequiredException(Failure failure) {
    super(failure);
  }
}
