package io.github.hatd;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for what the asynchronous side does. */
final class Await {

  private Await() {}

  /** Waits for the answer of a call, which is cancelled if the thread is interrupted. */
  static <T> T answer(CompletableFuture<T> future) {
    try {
      return value(future);
    } finally {
      future.cancel(true);
    }
  }

  /** Waits for the answer of a call, which is cancelled if the time is over. */
  static <T> T answer(CompletableFuture<T> future, Duration timeout) {
    try {
      return value(future, timeout);
    } catch (TimeoutException cause) {
      throw Errors.local(
          Status.Code.DEADLINE_EXCEEDED, "no answer within " + Nanos.seconds(timeout), cause);
    } finally {
      future.cancel(true);
    }
  }

  /**
   * Waits for a value. An interrupt leaves the future as it is.
   *
   * @throws HatdException the error of the future, or {@code CANCELLED} if the thread is
   *     interrupted
   */
  static <T> T value(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (InterruptedException cause) {
      throw interrupted(cause);
    } catch (ExecutionException error) {
      throw failure(error);
    }
  }

  /** As {@link #value(CompletableFuture)}, for so long. */
  static <T> T value(CompletableFuture<T> future, Duration timeout) throws TimeoutException {
    try {
      return future.get(Nanos.of(timeout), TimeUnit.NANOSECONDS);
    } catch (InterruptedException cause) {
      throw interrupted(cause);
    } catch (ExecutionException error) {
      throw failure(error);
    }
  }

  private static HatdException interrupted(InterruptedException cause) {
    Thread.currentThread().interrupt();
    return Errors.local(Status.Code.CANCELLED, "the thread was interrupted", cause);
  }

  private static RuntimeException failure(ExecutionException error) {
    if (error.getCause() instanceof HatdException cause) {
      return cause.again();
    }
    return new IllegalStateException(error.getCause());
  }
}
