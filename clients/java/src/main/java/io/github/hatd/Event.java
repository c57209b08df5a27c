package io.github.hatd;

import com.google.protobuf.Timestamp;
import io.github.hatd.v1.Commit;
import io.github.hatd.v1.ResetReason;
import io.github.hatd.v1.WatchSnapshot;
import java.util.List;

/**
 * A step of a watch.
 *
 * <p>Each takes the caller from the state that the tokens before it name to the state that its own
 * token names. Tokens are opaque: keep the last one and hand it back, never compare two.
 */
public sealed interface Event {

  /**
   * Returns the token that resumes a watch after this event.
   *
   * @return the token; empty within a snapshot, which starts again if it is cut
   */
  String token();

  /**
   * A snapshot follows: what is held and not in it, up to its last page, is gone. What is held
   * meanwhile is old, not wrong.
   *
   * @param reason why
   */
  record Reset(ResetReason reason) implements Event {
    @Override
    public String token() {
      return "";
    }
  }

  /**
   * A page of the state. The last one is {@code complete}.
   *
   * @param page the page
   * @param token where a watch may resume; empty unless the page is the last
   */
  record Snapshot(WatchSnapshot page, String token) implements Event {}

  /**
   * Changes, in order. They may be none, while the watch catches up.
   *
   * <p>Between a reset and the last page of its snapshot they bring documents up to date, and are
   * not news.
   *
   * @param commits the commits, each with the whole new documents; not modifiable
   * @param token where a watch may resume; empty within a snapshot
   */
  record Changes(List<Commit> commits, String token) implements Event {}

  /**
   * There was nothing more to send.
   *
   * @param serverTime the server's clock
   * @param token where a watch may resume
   */
  record Bookmark(Timestamp serverTime, String token) implements Event {}
}
