package io.github.hatd;

/**
 * What is on the disk is damaged.
 *
 * <p>Code {@code DATA_LOSS}. No metadata.
 */
public final class StoreCorruptException extends HatdException {

  private static final long serialVersionUID = 1L;

  StoreCorruptException(Failure failure) {
    super(failure);
  }
}
