package io.github.hatd;

/**
 * The request id was used for another request.
 *
 * <p>Code {@code INVALID_ARGUMENT}. Metadata: {@code field}, {@code request_id}.
 */
public final class RequestIdReusedException extends HatdException {

  private static final long serialVersionUID = 1L;

  RequestIdReusedException(Failure failure) {
    super(failure);
  }
}
