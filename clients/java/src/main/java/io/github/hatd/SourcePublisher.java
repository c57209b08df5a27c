package io.github.hatd;

import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Supplier;

/**
 * Publishes what sources have, a source for each subscriber. A value is asked for when the
 * subscriber has demand and {@code onNext} has returned from the one before.
 */
final class SourcePublisher<T> implements Flow.Publisher<T> {

  private final Supplier<Source<T>> sources;

  /** Where subscribers are called: their code may block. */
  private final Executor executor;

  SourcePublisher(Supplier<Source<T>> sources, Executor executor) {
    this.sources = sources;
    this.executor = executor;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super T> subscriber) {
    Objects.requireNonNull(subscriber);
    Source<T> source;
    try {
      source = sources.get();
    } catch (RuntimeException error) {
      subscriber.onSubscribe(NOTHING);
      subscriber.onError(error);
      return;
    }
    new Subscription<>(source, subscriber, executor).start();
  }

  private static final Flow.Subscription NOTHING =
      new Flow.Subscription() {
        @Override
        public void request(long count) {}

        @Override
        public void cancel() {}
      };

  private static final class Subscription<T> implements Flow.Subscription {

    private final Source<T> source;
    private final Flow.Subscriber<? super T> subscriber;
    private final Executor executor;

    private long demand;

    /** Whether a value is asked for or being given: then nothing else is given. */
    private boolean busy = true;

    private boolean done;

    /** What the subscriber did wrong, to be told in place of what is asked for. */
    private IllegalArgumentException misuse;

    Subscription(Source<T> source, Flow.Subscriber<? super T> subscriber, Executor executor) {
      this.source = source;
      this.subscriber = subscriber;
      this.executor = executor;
    }

    void start() {
      subscriber.onSubscribe(this);
      proceed();
    }

    @Override
    public void request(long count) {
      synchronized (this) {
        if (count <= 0) {
          misuse = new IllegalArgumentException("a demand of " + count + " is not positive");
        } else {
          demand = demand + count < 0 ? Long.MAX_VALUE : demand + count;
        }
        if (done || busy) {
          endMisused();
          return;
        }
        busy = true;
      }
      proceed();
    }

    @Override
    public void cancel() {
      if (finish()) {
        source.close();
      }
    }

    /** Goes on to the next value, if there is demand. Only called while busy. */
    private void proceed() {
      synchronized (this) {
        if (done) {
          return;
        }
        if (demand == 0 && misuse == null) {
          busy = false;
          return;
        }
        endMisused();
      }
      source.next().whenCompleteAsync(this::give, executor);
    }

    /** Has the source fail, if the subscriber did wrong: what it waits for is told that then. */
    private void endMisused() {
      if (misuse != null) {
        source.close();
      }
    }

    private void give(T value, Throwable error) {
      if (error != null) {
        if (finish()) {
          source.close();
          subscriber.onError(misuse != null ? misuse : unwrapped(error));
        }
        return;
      }
      if (value == null) {
        if (finish()) {
          source.close();
          subscriber.onComplete();
        }
        return;
      }
      synchronized (this) {
        if (done) {
          return;
        }
        if (demand != Long.MAX_VALUE) {
          demand--;
        }
      }
      try {
        subscriber.onNext(value);
      } catch (RuntimeException violation) {
        // The contract of Flow: a subscriber that throws is as one that cancels.
        cancel();
        throw violation;
      }
      proceed();
    }

    /** Returns the error itself, where futures that depend on others have wrapped it. */
    private static Throwable unwrapped(Throwable error) {
      return error instanceof CompletionException && error.getCause() != null
          ? error.getCause()
          : error;
    }

    /** Whether it was this call that ended the subscription. */
    private synchronized boolean finish() {
      boolean first = !done;
      done = true;
      return first;
    }
  }
}
