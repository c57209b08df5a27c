package io.github.hatd;

/**
 * No such room.
 *
 * <p>Code {@code NOT_FOUND}. Metadata: {@code room_jid}.
 */
public final class RoomNotFoundException extends HatdException {

  private static final long serialVersionUID = 1L;

  RoomNotFoundException(Failure failure) {
    super(failure);
  }
}
