package io.github.hatd;

import io.github.hatd.v1.OnExpired;
import io.github.hatd.v1.WatchSelector;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** What to watch, and from where. Immutable: each method returns options of its own. */
public final class WatchOptions {

  /** The heartbeat interval unless another is asked for: the server's own default. */
  static final Duration HEARTBEAT_INTERVAL = Duration.ofSeconds(15);

  /** No delay before connecting again is longer, unless the server asks for it. Our choice. */
  static final Duration RECONNECT_DELAY_MAX = Duration.ofSeconds(30);

  /** Where a watch starts. */
  enum Start {
    SNAPSHOT,
    NOW,
    TOKEN,
  }

  private final List<WatchSelector> selectors;
  private Start start = Start.SNAPSHOT;
  private String resumeToken = "";
  private OnExpired onExpired = OnExpired.ON_EXPIRED_RESET;
  private Duration heartbeatInterval = HEARTBEAT_INTERVAL;
  private String atLeastToken = "";
  private Duration reconnectDelayMax = RECONNECT_DELAY_MAX;
  private WatchListener listener = new WatchListener() {};

  private WatchOptions(List<WatchSelector> selectors) {
    this.selectors = selectors;
  }

  private WatchOptions(WatchOptions other) {
    this.selectors = other.selectors;
    this.start = other.start;
    this.resumeToken = other.resumeToken;
    this.onExpired = other.onExpired;
    this.heartbeatInterval = other.heartbeatInterval;
    this.atLeastToken = other.atLeastToken;
    this.reconnectDelayMax = other.reconnectDelayMax;
    this.listener = other.listener;
  }

  /**
   * Watches what any of the selectors selects, starting with the state.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the options
   */
  public static WatchOptions of(WatchSelector... selectors) {
    return new WatchOptions(List.of(selectors));
  }

  /**
   * Watches what any of the selectors selects, starting with the state.
   *
   * @param selectors made by {@link Selectors}, up to 1,000; none: all that the caller may see
   * @return the options
   */
  public static WatchOptions of(List<WatchSelector> selectors) {
    return new WatchOptions(List.copyOf(selectors));
  }

  /**
   * Starts after a token, rather than with the state.
   *
   * @param token the token of a watch with the same selectors, or of any read or write
   * @return the options
   */
  public WatchOptions withResumeToken(String token) {
    WatchOptions options = new WatchOptions(this);
    options.start = Start.TOKEN;
    options.resumeToken = Objects.requireNonNull(token);
    return options;
  }

  /**
   * Starts with the next change, rather than with the state.
   *
   * @return the options
   */
  public WatchOptions withStartNow() {
    WatchOptions options = new WatchOptions(this);
    options.start = Start.NOW;
    options.resumeToken = "";
    return options;
  }

  /**
   * Says what the server does with a position that is no longer kept, or is of another store: send
   * a reset and a snapshot (default), or fail with {@link ResumeTokenExpiredException} or {@link
   * StoreMismatchException}, which ends the watch.
   *
   * @param onExpired what to do
   * @return the options
   */
  public WatchOptions withOnExpired(OnExpired onExpired) {
    WatchOptions options = new WatchOptions(this);
    options.onExpired = Objects.requireNonNull(onExpired);
    return options;
  }

  /**
   * Says how long the stream may be silent while nothing changes. After two and a half intervals of
   * silence the watch connects again.
   *
   * @param interval 1 to 60 s; 15 s if not set
   * @return the options
   */
  public WatchOptions withHeartbeatInterval(Duration interval) {
    WatchOptions options = new WatchOptions(this);
    options.heartbeatInterval = Objects.requireNonNull(interval);
    return options;
  }

  /**
   * Starts with a state that includes a position. The first bookmark has passed it.
   *
   * @param token the token of any answer or watch
   * @return the options
   */
  public WatchOptions withAtLeastToken(String token) {
    WatchOptions options = new WatchOptions(this);
    options.atLeastToken = Objects.requireNonNull(token);
    return options;
  }

  /**
   * Says what the random delays before connecting again grow to. They begin with up to 0.1 s. A
   * delay that the server asks for is kept in any case.
   *
   * @param delay the longest delay; 30 s if not set
   * @return the options
   */
  public WatchOptions withReconnectDelayMax(Duration delay) {
    WatchOptions options = new WatchOptions(this);
    options.reconnectDelayMax = Objects.requireNonNull(delay);
    return options;
  }

  /**
   * Has a listener told what happens to the stream under the watch.
   *
   * @param listener whom to tell
   * @return the options
   */
  public WatchOptions withListener(WatchListener listener) {
    WatchOptions options = new WatchOptions(this);
    options.listener = Objects.requireNonNull(listener);
    return options;
  }

  List<WatchSelector> selectors() {
    return selectors;
  }

  Start start() {
    return start;
  }

  String resumeToken() {
    return resumeToken;
  }

  OnExpired onExpired() {
    return onExpired;
  }

  Duration heartbeatInterval() {
    return heartbeatInterval;
  }

  String atLeastToken() {
    return atLeastToken;
  }

  Duration reconnectDelayMax() {
    return reconnectDelayMax;
  }

  WatchListener listener() {
    return listener;
  }
}
