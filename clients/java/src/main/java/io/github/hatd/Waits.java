package io.github.hatd;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.hatd.v1.Commit;
import io.github.hatd.v1.RoomDefinition;
import io.github.hatd.v1.UserHats;
import io.github.hatd.v1.WatchSelector;
import io.github.hatd.v1.WatchSnapshot;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Decides when a mirror includes what callers wait for. It does no I/O and reads no clock; times
 * are those of {@link System#nanoTime}. One thread tells it what happens; any may ask how it
 * stands.
 *
 * <p>There are two ways. A write that changed a document in scope is included once the mirror has
 * applied a revision of the room that is not lower. Any position is included once a bookmark has
 * come on a stream that was opened with {@code at_least_token}. The first costs nothing, but never
 * comes to its end if what the write left has gone again before the mirror's snapshot: it is given
 * a while, and then the second way is taken.
 */
final class Waits {

  /** What is done for the waits. */
  interface Actions {

    /** Opens another stream, the first bookmark of which has passed the position. */
    void reopen(String atLeastToken);

    /** Has {@link Waits#time} called then. */
    void wakeAt(long nanos);
  }

  /** How long a revision is waited for. Our choice: it comes within milliseconds, or never. */
  private static final Duration REVISION_WAIT = Duration.ofSeconds(1);

  /** A wait for a revision of a room, and what is waited for if that does not come. */
  private record RevisionWait(
      String roomJid, long revision, String token, long until, CompletableFuture<Void> done) {}

  private record Waiting(Message answer, String token, CompletableFuture<Void> done) {}

  private final List<WatchSelector> selectors;
  private final Actions actions;

  private final List<CompletableFuture<Void>> forReady = new ArrayList<>();

  /** Waits that begin when what is held is complete. */
  private final List<Waiting> forComplete = new ArrayList<>();

  private List<RevisionWait> forRevision = new ArrayList<>();

  /** Waits for positions, by token, in the order in which they are asked for. */
  private final Map<String, List<CompletableFuture<Void>>> forToken = new LinkedHashMap<>();

  /** The token that the stream was opened with, and no bookmark has come since. Null: none. */
  private String asked;

  /** The highest revision of each room that came since the last reset. */
  private final Map<String, Long> revisions = new HashMap<>();

  /** Whether all that a snapshot brings is held, and nothing was lost since. */
  private volatile boolean complete;

  private volatile boolean ready;

  /** What ended the mirror. Null: it goes on. */
  private HatdException failure;

  Waits(List<WatchSelector> selectors, Actions actions) {
    this.selectors = selectors;
    this.actions = actions;
  }

  /** Whether a first snapshot was complete. */
  boolean ready() {
    return ready;
  }

  /** Whether what is held is all there is, so far as it has come. */
  boolean complete() {
    return complete;
  }

  /** Completes a future with the first snapshot. */
  void untilReady(CompletableFuture<Void> done) {
    if (failure != null) {
      done.completeExceptionally(failure);
    } else if (ready) {
      done.complete(null);
    } else {
      forReady.add(done);
    }
  }

  /**
   * Completes a future when the mirror includes a position.
   *
   * @param answer the answer that has the token, null if the token is all there is
   */
  void untilIncluded(Message answer, String token, CompletableFuture<Void> done, long now) {
    if (failure != null) {
      done.completeExceptionally(failure);
    } else if (complete) {
      begin(new Waiting(answer, token, done), now);
    } else if (token.isEmpty()) {
      untilReady(done);
    } else {
      forComplete.add(new Waiting(answer, token, done));
    }
  }

  /** The mirror has applied an event. */
  void applied(Event event, long now) {
    if (event instanceof Event.Reset) {
      complete = false;
      revisions.clear();
      // What comes now may lack what a revision stands for.
      forRevision.forEach(wait -> queue(wait.token(), wait.done()));
      forRevision.clear();
    } else if (event instanceof Event.Snapshot snapshot) {
      seen(snapshot.page());
      if (snapshot.page().getComplete()) {
        completed(now);
      }
    } else if (event instanceof Event.Changes changes) {
      changes.commits().forEach(this::seen);
      answerRevisions();
      changes.commits().stream()
          .filter(Commit::getRoomDeleted)
          .forEach(commit -> revisions.remove(commit.getRoomJid()));
    } else if (event instanceof Event.Bookmark && asked != null) {
      forToken.remove(asked).forEach(done -> done.complete(null));
      asked = null;
      askNext();
    }
  }

  /** Something was lost: what is held counts again when the next snapshot is complete. */
  void lost() {
    complete = false;
  }

  /** The server refused the token that the stream was opened with. */
  void refused(HatdException error) {
    if (asked != null) {
      forToken.remove(asked).forEach(done -> done.completeExceptionally(error));
      asked = null;
      askNext();
    }
  }

  /** Time has passed. */
  void time(long now) {
    List<RevisionWait> later = new ArrayList<>();
    for (RevisionWait wait : forRevision) {
      if (now - wait.until() >= 0) {
        queue(wait.token(), wait.done());
      } else {
        later.add(wait);
      }
    }
    forRevision = later;
    wakeForRevisions();
    askNext();
  }

  /** The mirror has ended: nothing more comes. */
  void ended(HatdException error) {
    failure = error;
    complete = false;
    forReady.forEach(done -> done.completeExceptionally(error));
    forReady.clear();
    forComplete.forEach(wait -> wait.done().completeExceptionally(error));
    forComplete.clear();
    forRevision.forEach(wait -> wait.done().completeExceptionally(error));
    forRevision.clear();
    forToken.values().forEach(all -> all.forEach(done -> done.completeExceptionally(error)));
    forToken.clear();
  }

  private void begin(Waiting wait, long now) {
    if (wait.token().isEmpty()) {
      wait.done().complete(null);
      return;
    }
    UserHats written = wait.answer() == null ? null : written(wait.answer());
    if (written == null || !inScope(written)) {
      queue(wait.token(), wait.done());
      askNext();
      return;
    }
    long revision = (long) field(wait.answer(), "revision");
    if (isApplied(written.getRoomJid(), revision)) {
      wait.done().complete(null);
      return;
    }
    long until = now + REVISION_WAIT.toNanos();
    forRevision.add(
        new RevisionWait(written.getRoomJid(), revision, wait.token(), until, wait.done()));
    wakeForRevisions();
  }

  private void completed(long now) {
    complete = true;
    ready = true;
    forReady.forEach(done -> done.complete(null));
    forReady.clear();
    List<Waiting> begun = List.copyOf(forComplete);
    forComplete.clear();
    begun.forEach(wait -> begin(wait, now));
    askNext();
  }

  private void queue(String token, CompletableFuture<Void> done) {
    forToken.computeIfAbsent(token, absent -> new ArrayList<>()).add(done);
  }

  /** Opens a stream for the next token that somebody still waits for, if it is the time to. */
  private void askNext() {
    if (asked != null || !complete) {
      return;
    }
    forToken.values().removeIf(all -> all.stream().allMatch(CompletableFuture::isDone));
    if (!forToken.isEmpty()) {
      asked = forToken.keySet().iterator().next();
      actions.reopen(asked);
    }
  }

  private void answerRevisions() {
    if (complete && !forRevision.isEmpty()) {
      List<RevisionWait> later = new ArrayList<>();
      for (RevisionWait wait : forRevision) {
        if (isApplied(wait.roomJid(), wait.revision())) {
          wait.done().complete(null);
        } else {
          later.add(wait);
        }
      }
      forRevision = later;
    }
  }

  private void wakeForRevisions() {
    if (!forRevision.isEmpty()) {
      actions.wakeAt(forRevision.get(0).until());
    }
  }

  private boolean isApplied(String roomJid, long revision) {
    Long applied = revisions.get(roomJid);
    return applied != null && Long.compareUnsigned(applied, revision) >= 0;
  }

  private void seen(WatchSnapshot page) {
    page.getRoomsList().forEach(room -> seen(room.getRoomJid(), room.getRevision()));
    for (RoomDefinition definition : page.getDefinitionsList()) {
      seen(definition.getRoomJid(), definition.getDefinition().getRevision());
    }
    page.getUsersList().forEach(document -> seen(document.getRoomJid(), document.getRevision()));
  }

  private void seen(Commit commit) {
    seen(commit.getRoomJid(), commit.getRevision());
  }

  private void seen(String roomJid, long revision) {
    revisions.merge(roomJid, revision, (a, b) -> Long.compareUnsigned(a, b) >= 0 ? a : b);
  }

  /**
   * Returns the document that a write changed and that still has hats. Null if the answer does not
   * tell of one: then its revision may never be seen.
   */
  private static UserHats written(Message answer) {
    boolean changed = Boolean.TRUE.equals(field(answer, "changed"));
    boolean replayed = Boolean.TRUE.equals(field(answer, "replayed"));
    boolean tells =
        changed
            && !replayed
            && field(answer, "user_hats") instanceof UserHats document
            && !document.getHatsMap().isEmpty();
    return tells ? (UserHats) field(answer, "user_hats") : null;
  }

  private static Object field(Message answer, String name) {
    FieldDescriptor field = answer.getDescriptorForType().findFieldByName(name);
    return field == null ? null : answer.getField(field);
  }

  private boolean inScope(UserHats document) {
    return selectors.isEmpty()
        || selectors.stream().anyMatch(selector -> selects(selector, document));
  }

  private static boolean selects(WatchSelector selector, UserHats document) {
    String room = document.getRoomJid();
    String domain = room.substring(room.indexOf('@') + 1);
    return selects(selector.getRoomJid(), room)
        && selects(selector.getUserJid(), document.getUserJid())
        && selects(selector.getRoomDomain(), domain);
  }

  private static boolean selects(String selected, String jid) {
    return selected.isEmpty() || selected.equals(jid);
  }
}
