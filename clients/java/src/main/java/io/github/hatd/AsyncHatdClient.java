package io.github.hatd;

import io.github.hatd.v1.WatchSelector;

/**
 * The asynchronous face of a {@link HatdClient}: futures for calls, and publishers of {@link
 * java.util.concurrent.Flow Flow} for watches, lists and the changes of a mirror. It ends with the
 * client that it is a face of.
 */
public final class AsyncHatdClient extends AsyncHatdCalls {

  private final Connection connection;

  AsyncHatdClient(Connection connection, Timeouts timeouts) {
    super(connection, timeouts);
    this.connection = connection;
  }

  /**
   * Watches hats: the state of what the options select, then every change to it. Nothing is sent
   * until a subscriber has demand.
   *
   * @param options what to watch, and from where
   * @return the watch, for one subscriber
   * @throws ClosedException if the client is closed
   */
  public AsyncWatch watch(WatchOptions options) {
    return new AsyncWatch(drive(options), connection.executor());
  }

  /**
   * Keeps the state of a scope current in memory. {@link AsyncMirror#ready} completes with the
   * first snapshot.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the mirror
   * @throws ClosedException if the client is closed
   */
  public AsyncMirror mirror(WatchSelector... selectors) {
    return mirror(MirrorOptions.of(selectors));
  }

  /**
   * Keeps the state of a scope current in memory. {@link AsyncMirror#ready} completes with the
   * first snapshot.
   *
   * @param options what to mirror
   * @return the mirror
   * @throws ClosedException if the client is closed
   */
  public AsyncMirror mirror(MirrorOptions options) {
    return new AsyncMirror(driveMirror(options), connection.executor());
  }

  WatchDriver drive(WatchOptions options) {
    return new WatchDriver(connection, options, new WatchDriver.Observer() {});
  }

  MirrorDriver driveMirror(MirrorOptions options) {
    return new MirrorDriver(connection, options);
  }
}
