package io.github.hatd;

import java.util.concurrent.CompletableFuture;

/** Values that are asked for one at a time. */
interface Source<T> {

  /**
   * Asks for the next value, and says that the one before is done with. Not to be called again
   * before the future is complete.
   *
   * @return completes with null if there are no more
   */
  CompletableFuture<T> next();

  /** Ends the source: whoever waits for a value gets a {@link ClosedException}. */
  void close();
}
