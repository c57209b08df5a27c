package io.github.hatd;

import com.google.protobuf.Message;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;

/**
 * The state of a scope, kept current in memory by a watch that resumes by itself: a {@link Mirror}
 * that has futures and a publisher in place of waiting.
 *
 * <p>Futures complete on threads of the client, or with an error that {@link Mirror} would throw.
 * Cancelling one gives up the wait.
 */
public final class AsyncMirror extends MirrorView {

  private final Executor executor;

  AsyncMirror(MirrorDriver driver, Executor executor) {
    super(driver);
    this.executor = executor;
  }

  /**
   * Waits until the first snapshot is complete.
   *
   * @return completes then, or as {@link Mirror#ready()} throws
   */
  public CompletableFuture<Void> ready() {
    return driver().ready();
  }

  /**
   * Waits until the mirror includes a write or a read, so that it can be asked for what was
   * written. Waits for the first snapshot too.
   *
   * @param answer the answer of any call that has a token
   * @return completes then, or as {@link Mirror#waitFor(Message)} throws
   * @throws IllegalArgumentException the message has no token
   */
  public CompletableFuture<Void> waitFor(Message answer) {
    return driver().waitFor(answer, tokenOf(answer));
  }

  /**
   * Waits until the mirror includes a position. Where there is the answer that the token is of,
   * waiting for that is cheaper.
   *
   * @param token the token of any answer or watch; empty: waits for the first snapshot only
   * @return completes then, or as {@link Mirror#waitFor(String)} throws
   */
  public CompletableFuture<Void> waitFor(String token) {
    return driver().waitFor(null, token);
  }

  /**
   * Publishes what changes from the moment of the subscription on, to each subscriber; before the
   * first snapshot is complete, what that brings. Each thing that changed is told once until it is
   * asked for, however often it changed, so that a slow subscriber holds no queue: it reads the
   * latest from the mirror. {@code onError} gets what ended the mirror.
   *
   * @return the publisher
   */
  public Flow.Publisher<Change> changes() {
    return new SourcePublisher<>(driver()::changes, executor);
  }
}
