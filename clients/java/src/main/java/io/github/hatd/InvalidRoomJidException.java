package io.github.hatd;

/**
 * Not the bare JID of a room.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}.
 */
public final class InvalidRoomJidException extends HatdException {

  private static final long serialVersionUID = 1L;

  InvalidRoomJidException(Failure failure) {
    super(failure);
  }
}
