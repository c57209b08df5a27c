package io.github.hatd;

import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A watch as a publisher: the state of a scope, then every change to it.
 *
 * <p>It asks for one response at a time and holds none ahead, so a slow subscriber slows the stream
 * and nothing else. It resumes by itself, whatever ends the stream under it, after the last event
 * that is processed. An event is processed when {@code onNext} has returned and the subscriber's
 * demand has the next one asked for: a subscriber that goes on working on an event after {@code
 * onNext} requests the next one when that is done.
 *
 * <p>It has one subscriber; a second gets an {@link IllegalStateException}. {@code onError} gets
 * what {@link Watch#next()} throws, a {@link ClosedException} when the watch is closed; there is no
 * other end. The subscriber's methods run on threads of the client, and may block.
 */
public final class AsyncWatch implements Flow.Publisher<Event>, AutoCloseable {

  private final WatchDriver driver;
  private final AtomicBoolean subscribed = new AtomicBoolean();
  private final SourcePublisher<Event> publisher;

  AsyncWatch(WatchDriver driver, Executor executor) {
    this.driver = driver;
    this.publisher = new SourcePublisher<>(this::source, executor);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Event> subscriber) {
    publisher.subscribe(subscriber);
  }

  /**
   * Returns the token after the last event that is processed, to resume with. The event that the
   * subscriber is at has a token of its own.
   *
   * @return the token; empty: start with a snapshot
   */
  public String token() {
    return driver.state().token();
  }

  /**
   * Returns what the watch has been through.
   *
   * @return the counters
   */
  public Counters counters() {
    return driver.state().counters();
  }

  /**
   * Returns when the last response came.
   *
   * @return the time, empty if none has come
   */
  public Optional<Instant> lastResponse() {
    return Optional.ofNullable(driver.state().lastResponse());
  }

  /** Ends the watch, as cancelling the subscription does. A second call does nothing. */
  @Override
  public void close() {
    driver.close();
  }

  private Source<Event> source() {
    if (subscribed.getAndSet(true)) {
      throw new IllegalStateException("a watch has one subscriber");
    }
    return driver;
  }
}
