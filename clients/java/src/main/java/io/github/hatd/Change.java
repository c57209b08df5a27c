package io.github.hatd;

/**
 * What has changed in a mirror. The mirror itself says what it is now.
 *
 * @param roomJid the room
 * @param userJid the user whose document changed; empty: the room itself or its catalogue did
 */
public record Change(String roomJid, String userJid) {}
