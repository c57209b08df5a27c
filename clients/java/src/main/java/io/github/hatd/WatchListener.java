package io.github.hatd;

import java.time.Duration;

/**
 * Is told what happens to the stream under a watch: for metrics and logs.
 *
 * <p>The calls come one at a time, and the watch waits for them: they should be short.
 */
public interface WatchListener {

  /** The server has answered on a new stream. */
  default void connected() {}

  /**
   * The stream ended; the watch goes on by itself.
   *
   * @param cause why
   * @param retryIn how long the watch waits before it connects again
   */
  default void disconnected(Disconnect cause, Duration retryIn) {}
}
