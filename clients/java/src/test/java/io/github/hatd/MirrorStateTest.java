package io.github.hatd;

import static io.github.hatd.Responses.ANN;
import static io.github.hatd.Responses.BOB;
import static io.github.hatd.Responses.HAT;
import static io.github.hatd.Responses.ROOM;
import static io.github.hatd.Responses.commit;
import static io.github.hatd.Responses.committed;
import static io.github.hatd.Responses.defined;
import static io.github.hatd.Responses.definition;
import static io.github.hatd.Responses.document;
import static io.github.hatd.Responses.page;
import static io.github.hatd.Responses.room;
import static io.github.hatd.Responses.snapshot;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.hatd.v1.Commit;
import io.github.hatd.v1.ResetReason;
import io.github.hatd.v1.UserHats;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MirrorStateTest {

  private static final Event RESET = new Event.Reset(ResetReason.RESET_REASON_EXPIRED);
  private static final Change IN_ROOM = new Change(ROOM, "");
  private static final Change OF_ANN = new Change(ROOM, ANN);
  private static final Change OF_BOB = new Change(ROOM, BOB);

  private final MirrorState state = new MirrorState();

  private List<Change> apply(Event event) {
    return List.copyOf(state.apply(event));
  }

  @BeforeEach
  void aRoomWithTwoUsers() {
    apply(RESET);
    apply(
        page(
            snapshot()
                .addRooms(room(1))
                .addDefinitions(defined(definition(HAT, "Host")))
                .addUsers(document(ANN, 2, HAT))
                .addUsers(document(BOB, 3, HAT))
                .setComplete(true)));
  }

  @Test
  void aCommitReplacesDocumentsWhole() {
    UserHats after = document(ANN, 4, "urn:other");
    assertEquals(List.of(OF_ANN), apply(committed(commit(ROOM, 4, after))));
    assertEquals(Optional.of(after), state.document(ROOM, ANN));
  }

  @Test
  void aDocumentWithoutHatsIsGone() {
    assertEquals(List.of(OF_ANN), apply(committed(commit(ROOM, 4, document(ANN, 4)))));
    assertEquals(Optional.empty(), state.document(ROOM, ANN));
    assertEquals(List.of(), apply(committed(commit(ROOM, 5, document("eve@localhost", 5)))));
  }

  @Test
  void aRoomThatIsDeletedTakesAllAlong() {
    Commit deleted = commit(ROOM, 4).toBuilder().setRoomDeleted(true).build();
    assertEquals(Set.of(IN_ROOM, OF_ANN, OF_BOB), Set.copyOf(apply(committed(deleted))));
    assertEquals(Set.of(), state.rooms());
    assertEquals(List.of(), apply(committed(deleted)));
  }

  @Test
  void definitionsComeAndGo() {
    Commit redefined = commit(ROOM, 4).toBuilder().addDefinitions(definition("urn:b", "B")).build();
    assertEquals(List.of(IN_ROOM), apply(committed(redefined)));
    assertEquals(2, state.definitions(ROOM).size());
    Commit removed =
        commit(ROOM, 5).toBuilder()
            .addRemovedDefinitions(HAT)
            .addRemovedDefinitions("urn:x")
            .build();
    assertEquals(List.of(IN_ROOM), apply(committed(removed)));
    assertEquals(List.of(definition("urn:b", "B")), state.definitions(ROOM));
  }

  @Test
  void theOldStateAnswersUntilTheNewIsWhole() {
    assertEquals(List.of(), apply(RESET));
    assertEquals(List.of(), apply(page(snapshot().addRooms(room(1)))));
    assertEquals(Optional.of(document(BOB, 3, HAT)), state.document(ROOM, BOB));

    List<Change> changes =
        apply(page(snapshot().addUsers(document(ANN, 9, HAT)).setComplete(true)));
    assertEquals(Set.of(IN_ROOM, OF_ANN, OF_BOB), Set.copyOf(changes));
    assertEquals(List.of(document(ANN, 9, HAT)), state.users(ROOM));
    assertEquals(List.of(), state.definitions(ROOM));
  }

  @Test
  void onlyWhatDiffersIsReportedOfANewState() {
    apply(RESET);
    assertEquals(
        List.of(OF_BOB),
        apply(
            page(
                snapshot()
                    .addRooms(room(1))
                    .addDefinitions(defined(definition(HAT, "Host")))
                    .addUsers(document(ANN, 2, HAT))
                    .setComplete(true))));
  }

  @Test
  void whatChangesWithinASnapshotIsOfTheNewState() {
    apply(RESET);
    apply(committed(commit(ROOM, 9, document(BOB, 9, HAT))));
    apply(page(snapshot().addRooms(room(1)).setComplete(true)));
    assertEquals(List.of(document(BOB, 9, HAT)), state.users(ROOM));
  }

  @Test
  void aSnapshotThatWasCutBeginsAgain() {
    apply(RESET);
    apply(page(snapshot().addRooms(room(1)).addUsers(document(ANN, 2, HAT))));
    apply(RESET);
    apply(page(snapshot().addRooms(room(1)).setComplete(true)));
    assertEquals(List.of(), state.users(ROOM));
    assertEquals(Set.of(ROOM), state.rooms());
  }

  @Test
  void aRoomMayBeKnownByItsDocumentsAlone() {
    UserHats elsewhere =
        document(ANN, 1, HAT).toBuilder().setRoomJid("loft@conference.localhost").build();
    apply(committed(commit("loft@conference.localhost", 1, elsewhere)));
    assertEquals(Optional.empty(), state.room("loft@conference.localhost"));
    assertEquals(Set.of(ROOM, "loft@conference.localhost"), state.rooms());
    assertEquals(HAT, state.hats("loft@conference.localhost", ANN, "").get(0).title());
  }

  @Test
  void whatIsNotHeldIsEmpty() {
    assertEquals(List.of(), state.hats("nowhere@localhost", ANN, ""));
    assertEquals(List.of(), state.users("nowhere@localhost"));
    assertEquals(Optional.empty(), state.room("nowhere@localhost"));
  }
}
