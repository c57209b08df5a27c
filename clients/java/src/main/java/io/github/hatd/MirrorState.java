package io.github.hatd;

import io.github.hatd.v1.Commit;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.RoomDefinition;
import io.github.hatd.v1.UserChange;
import io.github.hatd.v1.UserHats;
import io.github.hatd.v1.WatchSnapshot;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * The state of a scope, as the events of a watch have brought it. One thread applies them; any may
 * read, and none sees half an event.
 *
 * <p>A reset begins a new generation. What a snapshot brings is of it, and at the snapshot's end
 * what is of an older one is gone. Until then the old state stands.
 */
final class MirrorState {

  /** Something held, and the generation in which it last came. */
  private record Held<T>(T value, long generation) {}

  private static final class RoomState {
    /** Null: the room's record is not held, as with selectors of users. */
    private Held<Room> room;

    private final Map<String, Held<HatDefinition>> definitions = new HashMap<>();
    private final Map<String, Held<UserHats>> documents = new HashMap<>();

    boolean isEmpty() {
      return room == null && definitions.isEmpty() && documents.isEmpty();
    }
  }

  private static final RoomState NO_ROOM = new RoomState();

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private final Map<String, RoomState> rooms = new HashMap<>();
  private long generation;

  /** Applies an event, and returns what differs after it, in order. */
  Set<Change> apply(Event event) {
    Set<Change> changes = new LinkedHashSet<>();
    Lock writing = lock.writeLock();
    writing.lock();
    try {
      if (event instanceof Event.Reset) {
        generation++;
      } else if (event instanceof Event.Snapshot snapshot) {
        apply(snapshot.page(), changes);
      } else if (event instanceof Event.Changes commits) {
        commits.commits().forEach(commit -> apply(commit, changes));
      }
    } finally {
      writing.unlock();
    }
    return changes;
  }

  List<DisplayedHat> hats(String roomJid, String userJid, String language) {
    return reading(
        () -> {
          RoomState state = state(roomJid);
          Held<UserHats> document = state.documents.get(userJid);
          if (document == null) {
            return List.of();
          }
          return Display.hats(
              document.value(),
              value(state.room),
              hatId -> value(state.definitions.get(hatId)),
              language);
        });
  }

  Optional<UserHats> document(String roomJid, String userJid) {
    return reading(
        () -> Optional.ofNullable(state(roomJid).documents.get(userJid)).map(Held::value));
  }

  Optional<Room> room(String roomJid) {
    return reading(() -> Optional.ofNullable(state(roomJid).room).map(Held::value));
  }

  List<HatDefinition> definitions(String roomJid) {
    return reading(() -> values(state(roomJid).definitions.values()));
  }

  List<UserHats> users(String roomJid) {
    return reading(() -> values(state(roomJid).documents.values()));
  }

  Set<String> rooms() {
    return reading(() -> Set.copyOf(rooms.keySet()));
  }

  private void apply(WatchSnapshot page, Set<Change> changes) {
    page.getRoomsList().forEach(room -> put(room, changes));
    for (RoomDefinition definition : page.getDefinitionsList()) {
      put(definition.getRoomJid(), definition.getDefinition(), changes);
    }
    page.getUsersList().forEach(document -> put(document, changes));
    if (page.getComplete()) {
      sweep(changes);
    }
  }

  private void apply(Commit commit, Set<Change> changes) {
    String roomJid = commit.getRoomJid();
    if (commit.getRoomDeleted()) {
      RoomState gone = rooms.remove(roomJid);
      if (gone != null) {
        report(roomJid, gone, changes);
      }
      return;
    }
    if (commit.hasRoom()) {
      put(commit.getRoom(), changes);
    }
    for (HatDefinition definition : commit.getDefinitionsList()) {
      put(roomJid, definition, changes);
    }
    for (String hatId : commit.getRemovedDefinitionsList()) {
      if (state(roomJid).definitions.remove(hatId) != null) {
        changes.add(new Change(roomJid, ""));
      }
    }
    for (UserChange user : commit.getUsersList()) {
      put(user.getUserHats(), changes);
    }
    dropIfEmpty(roomJid);
  }

  private void put(Room room, Set<Change> changes) {
    RoomState state = stateToWrite(room.getRoomJid());
    if (!room.equals(value(state.room))) {
      changes.add(new Change(room.getRoomJid(), ""));
    }
    state.room = new Held<>(room, generation);
  }

  private void put(String roomJid, HatDefinition definition, Set<Change> changes) {
    Held<HatDefinition> before =
        stateToWrite(roomJid)
            .definitions
            .put(definition.getHatId(), new Held<>(definition, generation));
    if (!definition.equals(value(before))) {
      changes.add(new Change(roomJid, ""));
    }
  }

  private void put(UserHats document, Set<Change> changes) {
    String roomJid = document.getRoomJid();
    String userJid = document.getUserJid();
    Map<String, Held<UserHats>> documents = stateToWrite(roomJid).documents;
    UserHats after = document.getHatsMap().isEmpty() ? null : document;
    UserHats before =
        value(
            after == null
                ? documents.remove(userJid)
                : documents.put(userJid, new Held<>(after, generation)));
    if (!Objects.equals(before, after)) {
      changes.add(new Change(roomJid, userJid));
    }
  }

  /** Drops what did not come since the last reset. */
  private void sweep(Set<Change> changes) {
    for (String roomJid : List.copyOf(rooms.keySet())) {
      RoomState state = state(roomJid);
      RoomState gone = new RoomState();
      if (isOld(state.room)) {
        gone.room = state.room;
        state.room = null;
      }
      moveOld(state.definitions, gone.definitions);
      moveOld(state.documents, gone.documents);
      report(roomJid, gone, changes);
      dropIfEmpty(roomJid);
    }
  }

  private <T> void moveOld(Map<String, Held<T>> from, Map<String, Held<T>> to) {
    from.entrySet()
        .removeIf(
            entry -> {
              boolean old = isOld(entry.getValue());
              if (old) {
                to.put(entry.getKey(), entry.getValue());
              }
              return old;
            });
  }

  private boolean isOld(Held<?> held) {
    return held != null && held.generation() < generation;
  }

  private static void report(String roomJid, RoomState gone, Set<Change> changes) {
    if (gone.room != null || !gone.definitions.isEmpty()) {
      changes.add(new Change(roomJid, ""));
    }
    gone.documents.keySet().forEach(userJid -> changes.add(new Change(roomJid, userJid)));
  }

  private RoomState state(String roomJid) {
    return rooms.getOrDefault(roomJid, NO_ROOM);
  }

  private RoomState stateToWrite(String roomJid) {
    return rooms.computeIfAbsent(roomJid, absent -> new RoomState());
  }

  private void dropIfEmpty(String roomJid) {
    if (state(roomJid).isEmpty()) {
      rooms.remove(roomJid);
    }
  }

  private static <T> T value(Held<T> held) {
    return held == null ? null : held.value();
  }

  private static <T> List<T> values(Collection<Held<T>> held) {
    return held.stream().map(Held::value).toList();
  }

  private <T> T reading(Supplier<T> read) {
    Lock reading = lock.readLock();
    reading.lock();
    try {
      return read.get();
    } finally {
      reading.unlock();
    }
  }
}
