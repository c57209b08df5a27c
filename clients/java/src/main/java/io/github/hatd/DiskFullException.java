package io.github.hatd;

/**
 * Too little space on the disk to write.
 *
 * <p>Code {@code RESOURCE_EXHAUSTED}. No metadata.
 */
public final class DiskFullException extends HatdException {

  private static final long serialVersionUID = 1L;

  DiskFullException(Failure failure) {
    super(failure);
  }
}
