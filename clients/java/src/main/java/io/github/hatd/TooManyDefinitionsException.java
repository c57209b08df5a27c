package io.github.hatd;

/**
 * The room would have too many definitions.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. Metadata: {@code room_jid}, {@code limit}.
 */
public final class TooManyDefinitionsException extends HatdException {

  private static final long serialVersionUID = 1L;

  TooManyDefinitionsException(Failure failure) {
    super(failure);
  }
}
