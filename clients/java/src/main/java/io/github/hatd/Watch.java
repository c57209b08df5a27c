package io.github.hatd;

import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Optional;

/**
 * A watch: the state of a scope, then every change to it.
 *
 * <p>It asks for one response at a time and holds none ahead, so a slow caller slows the stream and
 * nothing else. It resumes by itself, whatever ends the stream under it, after the last event that
 * the caller came back from: an event is processed when the next one is asked for.
 *
 * <p>One thread takes the events; {@link #close} and what only reads may be called from any.
 */
public final class Watch implements Iterable<Event>, AutoCloseable {

  private final WatchDriver driver;
  private final Puller<Event> events;

  Watch(WatchDriver driver) {
    this.driver = driver;
    this.events = new Puller<>(driver);
  }

  /**
   * Returns the next event, waiting for it as long as it takes.
   *
   * <p>Calling it says that the event before is processed: from then on the watch would resume
   * after it. The first call opens the stream.
   *
   * @return the event
   * @throws HatdException only what connecting again would not mend, and the watch has then ended:
   *     the codes {@code INVALID_ARGUMENT}, {@code UNAUTHENTICATED}, {@code PERMISSION_DENIED},
   *     {@code UNIMPLEMENTED} and {@code DATA_LOSS}; {@link ResumeTokenExpiredException} and {@link
   *     StoreMismatchException} if the watch is to fail then; {@link StoreMismatchException} for a
   *     {@linkplain WatchOptions#withAtLeastToken position} of another store. Or {@code CANCELLED}
   *     if the thread is interrupted: nothing is lost then, and the next call goes on
   * @throws WatchEndedException if the watch has ended with an error before
   * @throws ClosedException if the watch or its client is closed
   */
  public Event next() {
    return events.next();
  }

  /**
   * Returns the next event if it comes in time. If not, nothing is lost: the next call goes on.
   *
   * @param timeout how long to wait
   * @return the event, empty if none came
   * @throws HatdException as {@link #next()}
   */
  public Optional<Event> next(Duration timeout) {
    return events.next(timeout);
  }

  /**
   * Iterates over the events. {@code hasNext} waits for one, as {@link #next()} does, and throws
   * what that throws; after an error there are no more.
   */
  @Override
  public Iterator<Event> iterator() {
    return events.iterator();
  }

  /**
   * Returns the token after the last event that is processed, to resume with. The event that the
   * caller is at has a token of its own.
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

  /** Ends the watch. A second call does nothing. */
  @Override
  public void close() {
    driver.close();
  }
}
