package io.github.hatd;

import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/** Pulls values from a source, waiting for each. */
final class Puller<T> {

  private final Source<T> source;

  /** The value that was asked for and has not been taken: a wait may end before it comes. */
  private CompletableFuture<T> asked;

  Puller(Source<T> source) {
    this.source = source;
  }

  /** Returns the next value, null if there are no more. */
  T next() {
    CompletableFuture<T> next = ask();
    T value;
    try {
      value = Await.value(next);
    } finally {
      taken(next);
    }
    return value;
  }

  /** Returns the next value if it comes in time. */
  Optional<T> next(Duration timeout) {
    CompletableFuture<T> next = ask();
    try {
      return Optional.of(Await.value(next, timeout));
    } catch (TimeoutException notYet) {
      return Optional.empty();
    } finally {
      taken(next);
    }
  }

  /** Iterates over the values, up to an error, which {@code hasNext} throws, or the end. */
  Iterator<T> iterator() {
    return new Iterator<>() {

      private T next;
      private boolean ended;

      @Override
      public boolean hasNext() {
        if (next == null && !ended) {
          ended = true;
          next = Puller.this.next();
          ended = next == null;
        }
        return next != null;
      }

      @Override
      public T next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        T value = next;
        next = null;
        return value;
      }
    };
  }

  private CompletableFuture<T> ask() {
    if (asked == null) {
      asked = source.next();
    }
    return asked;
  }

  private void taken(CompletableFuture<T> next) {
    if (next.isDone()) {
      asked = null;
    }
  }
}
