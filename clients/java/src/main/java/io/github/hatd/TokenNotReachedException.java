package io.github.hatd;

/**
 * This server is still behind {@code at_least_token}.
 *
 * <p>Code {@code UNAVAILABLE}. Metadata: {@code field}.
 */
public final class TokenNotReachedException extends HatdException {

  private static final long serialVersionUID = 1L;

  TokenNotReachedException(Failure failure) {
    super(failure);
  }
}
