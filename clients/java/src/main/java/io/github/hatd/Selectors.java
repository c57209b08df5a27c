package io.github.hatd;

import io.github.hatd.v1.WatchSelector;

/** What a watch or a mirror is about. Selectors add up; none at all select everything. */
public final class Selectors {

  private Selectors() {}

  /**
   * Selects a room: its record, its catalogue, and its documents.
   *
   * @param roomJid the room, a bare JID
   * @return the selector
   */
  public static WatchSelector room(String roomJid) {
    return WatchSelector.newBuilder().setRoomJid(roomJid).build();
  }

  /**
   * Selects a user: the user's documents in all rooms, and the deletion of every room.
   *
   * @param userJid the user, a bare JID
   * @return the selector
   */
  public static WatchSelector user(String userJid) {
    return WatchSelector.newBuilder().setUserJid(userJid).build();
  }

  /**
   * Selects one user's document in a room, with the room's record and catalogue.
   *
   * @param roomJid the room, a bare JID
   * @param userJid the user, a bare JID
   * @return the selector
   */
  public static WatchSelector userInRoom(String roomJid, String userJid) {
    return WatchSelector.newBuilder().setRoomJid(roomJid).setUserJid(userJid).build();
  }

  /**
   * Selects all rooms of a domain.
   *
   * @param roomDomain the domain, such as {@code conference.example.org}
   * @return the selector
   */
  public static WatchSelector domain(String roomDomain) {
    return WatchSelector.newBuilder().setRoomDomain(roomDomain).build();
  }
}
