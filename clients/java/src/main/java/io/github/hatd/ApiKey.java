package io.github.hatd;

import io.grpc.Metadata;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/** The API key that calls carry, if any. It is asked for when it is first needed, and then kept. */
final class ApiKey {

  /** No key: calls carry none. */
  static final ApiKey NONE = new ApiKey(null, null);

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Supplier<String> source;
  private final AtomicReference<String> kept;

  private ApiKey(String key, Supplier<String> source) {
    this.kept = new AtomicReference<>(key);
    this.source = source;
  }

  static ApiKey of(String key) {
    return new ApiKey(checked(key), null);
  }

  static ApiKey from(Supplier<String> source) {
    return new ApiKey(null, source);
  }

  /** Whether asking again might bring another key. */
  boolean renewable() {
    return source != null;
  }

  /**
   * Returns the present key, null for none. It may block, as long as the caller's source does.
   *
   * @throws HatdException with {@code UNAVAILABLE} if the source fails: it may have it later
   */
  String current() {
    String key = kept.get();
    if (key != null || source == null) {
      return key;
    }
    try {
      key = checked(source.get());
    } catch (RuntimeException cause) {
      throw Errors.local(Status.Code.UNAVAILABLE, "the API key could not be had", cause);
    }
    kept.set(key);
    return key;
  }

  /** Says that the server did not accept this key: the next call asks for another. */
  void refused(String key) {
    if (renewable()) {
      kept.compareAndSet(key, null);
    }
  }

  static Metadata headers(String key) {
    Metadata headers = new Metadata();
    if (key != null) {
      headers.put(AUTHORIZATION, "Bearer " + key);
    }
    return headers;
  }

  private static String checked(String key) {
    if (key.isEmpty() || !key.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
      // Not the key itself: errors are logged.
      throw new IllegalArgumentException("an API key is one or more visible ASCII characters");
    }
    return key;
  }
}
