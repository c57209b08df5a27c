package io.github.hatd;

import io.github.hatd.v1.WatchSelector;
import java.time.Duration;
import java.util.List;

/** What a mirror holds. Immutable: each method returns options of its own. */
public final class MirrorOptions {

  private final WatchOptions watch;

  private MirrorOptions(WatchOptions watch) {
    this.watch = watch;
  }

  /**
   * Mirrors what any of the selectors selects.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the options
   */
  public static MirrorOptions of(WatchSelector... selectors) {
    return new MirrorOptions(WatchOptions.of(selectors));
  }

  /**
   * Mirrors what any of the selectors selects.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the options
   */
  public static MirrorOptions of(List<WatchSelector> selectors) {
    return new MirrorOptions(WatchOptions.of(selectors));
  }

  /**
   * Says how long the stream may be silent while nothing changes. After two and a half intervals of
   * silence the mirror connects again.
   *
   * @param interval 1 to 60 s; 15 s if not set
   * @return the options
   */
  public MirrorOptions withHeartbeatInterval(Duration interval) {
    return new MirrorOptions(watch.withHeartbeatInterval(interval));
  }

  /**
   * Says what the random delays before connecting again grow to. They begin with up to 0.1 s. A
   * delay that the server asks for is kept in any case.
   *
   * @param delay the longest delay; 30 s if not set
   * @return the options
   */
  public MirrorOptions withReconnectDelayMax(Duration delay) {
    return new MirrorOptions(watch.withReconnectDelayMax(delay));
  }

  /**
   * Has a listener told what happens to the stream under the mirror.
   *
   * @param listener whom to tell
   * @return the options
   */
  public MirrorOptions withListener(WatchListener listener) {
    return new MirrorOptions(watch.withListener(listener));
  }

  /** The options of the watch that the mirror is kept current by. */
  WatchOptions watch() {
    return watch;
  }
}
