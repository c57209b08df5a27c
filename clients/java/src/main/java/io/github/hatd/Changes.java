package io.github.hatd;

import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;

/**
 * What changes in a mirror. One thread takes the changes; {@link #close} may be called from any.
 */
public final class Changes implements Iterable<Change>, AutoCloseable {

  private final ChangeQueue queue;
  private final Puller<Change> changes;

  Changes(ChangeQueue queue) {
    this.queue = queue;
    this.changes = new Puller<>(queue);
  }

  /**
   * Returns the next change, waiting for it as long as it takes.
   *
   * @return the change
   * @throws HatdException what ended the mirror for good, when all changes before it are taken;
   *     {@code CANCELLED} if the thread is interrupted: nothing is lost then
   * @throws ClosedException if this, the mirror or its client is closed
   */
  public Change next() {
    return changes.next();
  }

  /**
   * Returns the next change if it comes in time. If not, nothing is lost: the next call goes on.
   *
   * @param timeout how long to wait
   * @return the change, empty if none came
   * @throws HatdException as {@link #next()}
   */
  public Optional<Change> next(Duration timeout) {
    return changes.next(timeout);
  }

  /**
   * Iterates over the changes. {@code hasNext} waits for one, as {@link #next()} does, and throws
   * what that throws; after an error there are no more.
   */
  @Override
  public Iterator<Change> iterator() {
    return changes.iterator();
  }

  /** Stops listening. A second call does nothing. */
  @Override
  public void close() {
    queue.close();
  }
}
