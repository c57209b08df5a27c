package io.github.hatd;

/**
 * The user is an outcast or, in a room for the affiliated, has no affiliation and no hats left.
 *
 * <p>Code {@code NOT_FOUND}. Metadata: {@code room_jid}, {@code user_jid}.
 */
public final class UserNotAffiliatedException extends HatdException {

  private static final long serialVersionUID = 1L;

  UserNotAffiliatedException(Failure failure) {
    super(failure);
  }
}
