package io.github.hatd;

import static io.github.hatd.Responses.ANN;
import static io.github.hatd.Responses.HAT;
import static io.github.hatd.Responses.ROOM;
import static io.github.hatd.Responses.commit;
import static io.github.hatd.Responses.committed;
import static io.github.hatd.Responses.document;
import static io.github.hatd.Responses.page;
import static io.github.hatd.Responses.room;
import static io.github.hatd.Responses.snapshot;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.github.hatd.v1.AddUserHatResponse;
import io.github.hatd.v1.GetUserHatsResponse;
import io.github.hatd.v1.RemoveUserHatResponse;
import io.github.hatd.v1.ResetReason;
import io.github.hatd.v1.WatchSelector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class WaitsTest {

  private static final long SECOND = 1_000_000_000L;
  private static final Event RESET = new Event.Reset(ResetReason.RESET_REASON_EXPIRED);
  private static final Event COMPLETE = page(snapshot().addRooms(room(5)).setComplete(true));
  private static final Event BOOKMARK = new Event.Bookmark(Timestamp.getDefaultInstance(), "t");

  private final List<String> reopened = new ArrayList<>();
  private long wakeAt;
  private Waits waits = waits();

  private Waits waits(WatchSelector... selectors) {
    return new Waits(
        List.of(selectors),
        new Waits.Actions() {
          @Override
          public void reopen(String atLeastToken) {
            reopened.add(atLeastToken);
          }

          @Override
          public void wakeAt(long nanos) {
            wakeAt = nanos;
          }
        });
  }

  private void applied(Event... events) {
    for (Event event : events) {
      waits.applied(event, 0);
    }
  }

  private CompletableFuture<Void> waitFor(Message answer, String token) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    waits.untilIncluded(answer, token, done, 0);
    return done;
  }

  private CompletableFuture<Void> waitFor(AddUserHatResponse answer) {
    return waitFor(answer, answer.getToken());
  }

  private CompletableFuture<Void> waitFor(String token) {
    return waitFor(null, token);
  }

  private static AddUserHatResponse write(long revision) {
    return AddUserHatResponse.newBuilder()
        .setUserHats(document(ANN, revision, HAT))
        .setRevision(revision)
        .setToken("w" + revision)
        .setChanged(true)
        .build();
  }

  @Test
  void readyIsTheFirstCompleteSnapshot() {
    CompletableFuture<Void> ready = new CompletableFuture<>();
    waits.untilReady(ready);
    CompletableFuture<Void> empty = waitFor("");
    applied(RESET, page(snapshot().addRooms(room(5))));
    assertFalse(ready.isDone() || empty.isDone() || waits.ready());
    applied(COMPLETE);
    assertTrue(ready.isDone() && empty.isDone() && waits.ready() && waits.complete());
  }

  @Test
  void aWriteIsIncludedWithItsRevision() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> done = waitFor(write(7));
    applied(committed(commit(ROOM, 6)));
    assertFalse(done.isDone());
    applied(committed(commit(ROOM, 8)));
    assertTrue(done.isDone());
    assertTrue(waitFor(write(8)).isDone());
    assertEquals(List.of(), reopened);
  }

  @Test
  void aRevisionOfTheSnapshotCountsWhenThatIsComplete() {
    CompletableFuture<Void> done = waitFor(write(5));
    applied(RESET, page(snapshot().addRooms(room(5))));
    assertFalse(done.isDone());
    applied(page(snapshot().setComplete(true)));
    assertTrue(done.isDone());
  }

  @Test
  void whatTellsOfNoRevisionIsAskedFor() {
    applied(RESET, COMPLETE);
    List<Message> answers =
        List.of(
            write(7).toBuilder().setChanged(false).build(),
            write(7).toBuilder().setReplayed(true).build(),
            write(7).toBuilder().clearUserHats().build(),
            RemoveUserHatResponse.newBuilder()
                .setUserHats(document(ANN, 7))
                .setChanged(true)
                .build(),
            GetUserHatsResponse.newBuilder().setUserHats(document(ANN, 7, HAT)).build());
    for (Message answer : answers) {
      CompletableFuture<Void> done = waitFor(answer, "w7");
      applied(committed(commit(ROOM, 9)));
      assertFalse(done.isDone(), answer::toString);
      applied(BOOKMARK);
      assertTrue(done.isDone(), answer::toString);
    }
    assertEquals(answers.size(), reopened.size());
  }

  @Test
  void whatIsOutOfScopeIsAskedFor() {
    List<WatchSelector> without =
        List.of(
            Selectors.room("loft@conference.localhost"),
            Selectors.user("bob@localhost"),
            Selectors.userInRoom(ROOM, "bob@localhost"),
            Selectors.domain("localhost"));
    for (WatchSelector selector : without) {
      waits = waits(selector);
      reopened.clear();
      applied(RESET, COMPLETE);
      waitFor(write(7));
      assertEquals(List.of("w7"), reopened, selector::toString);
    }
    List<WatchSelector> within =
        List.of(
            WatchSelector.getDefaultInstance(),
            Selectors.room(ROOM),
            Selectors.user(ANN),
            Selectors.userInRoom(ROOM, ANN),
            Selectors.domain("conference.localhost"));
    for (WatchSelector selector : within) {
      waits = waits(Selectors.user("bob@localhost"), selector);
      reopened.clear();
      applied(RESET, COMPLETE);
      waitFor(write(7));
      assertEquals(List.of(), reopened, selector::toString);
    }
  }

  @Test
  void oneTokenIsAskedForAtATimeAndOnceForAll() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> first = waitFor("a");
    CompletableFuture<Void> second = waitFor("b");
    CompletableFuture<Void> third = waitFor("a");
    assertEquals(List.of("a"), reopened);
    applied(BOOKMARK);
    assertTrue(first.isDone() && third.isDone() && !second.isDone());
    assertEquals(List.of("a", "b"), reopened);
    applied(BOOKMARK);
    assertTrue(second.isDone());
    applied(BOOKMARK);
    assertEquals(List.of("a", "b"), reopened);
  }

  @Test
  void nothingIsAskedForWithinASnapshot() {
    applied(RESET, COMPLETE, RESET);
    CompletableFuture<Void> done = waitFor("a");
    assertEquals(List.of(), reopened);
    applied(COMPLETE);
    assertEquals(List.of("a"), reopened);
    applied(BOOKMARK);
    assertTrue(done.isDone());
  }

  @Test
  void aResetTurnsARevisionIntoAToken() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> done = waitFor(write(7));
    applied(RESET, page(snapshot().addRooms(room(9))), COMPLETE);
    assertFalse(done.isDone());
    assertEquals(List.of("w7"), reopened);
  }

  @Test
  void aRevisionThatDoesNotComeTurnsIntoAToken() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> done = waitFor(write(7));
    assertEquals(SECOND, wakeAt);
    waits.time(SECOND - 1);
    assertEquals(List.of(), reopened);
    waits.time(SECOND);
    assertEquals(List.of("w7"), reopened);
    applied(BOOKMARK);
    assertTrue(done.isDone());
  }

  @Test
  void theDeletionOfTheRoomIncludesTheWritesBefore() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> before = waitFor(write(7));
    applied(committed(commit(ROOM, 8).toBuilder().setRoomDeleted(true).build()));
    assertTrue(before.isDone());
  }

  @Test
  void aLossHoldsUpAnswersUntilTheNextSnapshot() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> waiting = waitFor(write(7));
    waits.lost();
    assertFalse(waits.complete());
    assertTrue(waits.ready());
    CompletableFuture<Void> later = waitFor(write(5));
    assertFalse(later.isDone());
    applied(RESET, COMPLETE);
    assertTrue(later.isDone());
    assertFalse(waiting.isDone());
  }

  @Test
  void aTokenThatIsRefusedFailsItsWaitsAlone() {
    applied(RESET, COMPLETE);
    CompletableFuture<Void> other = waitFor("other");
    CompletableFuture<Void> own = waitFor("own");
    ClosedException refusal = new ClosedException("refused");
    waits.refused(refusal);
    assertEquals(refusal, assertThrows(CompletionException.class, other::join).getCause());
    assertEquals(List.of("other", "own"), reopened);
    applied(BOOKMARK);
    assertTrue(own.isDone() && !own.isCompletedExceptionally());
  }

  @Test
  void whatNobodyWaitsForIsNotAskedFor() {
    applied(RESET, COMPLETE, RESET);
    waitFor("a").cancel(true);
    applied(COMPLETE);
    assertEquals(List.of(), reopened);
  }

  @Test
  void theEndFailsAll() {
    CompletableFuture<Void> ready = new CompletableFuture<>();
    waits.untilReady(ready);
    CompletableFuture<Void> early = waitFor("early");
    ClosedException end = new ClosedException("closed");
    waits.ended(end);
    CompletableFuture<Void> late = waitFor("late");
    for (CompletableFuture<Void> done : List.of(ready, early, late)) {
      assertEquals(end, assertThrows(CompletionException.class, done::join).getCause());
    }
    assertFalse(waits.complete());
  }
}
