package io.github.hatd;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.UserHats;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The state of a scope, kept current in memory: what {@link Mirror} and {@link AsyncMirror} have in
 * common.
 *
 * <p>Reading asks no server and waits for nothing: before the first snapshot is complete there is
 * less than all, and while the mirror makes good for something that was lost, the old state answers
 * and is {@linkplain #isStale stale}. What a commit or a page brings is seen whole or not at all.
 * What is returned never changes.
 *
 * <p>Rooms and users are named by JIDs as hatd answers them, normalised: other spellings of a JID
 * find nothing.
 */
public abstract sealed class MirrorView implements AutoCloseable permits Mirror, AsyncMirror {

  private final MirrorDriver driver;

  MirrorView(MirrorDriver driver) {
    this.driver = driver;
  }

  /**
   * Returns the hats that a user wears, as they are displayed: with the title that is given to the
   * user, else that of the hat's definition, else the hat id; in a room for defined hats only, that
   * of the definition first. They are in the order of the catalogue, those that it lacks after it.
   *
   * <p>With selectors of users alone there is no catalogue: attachments and hat ids serve.
   *
   * @param roomJid the room, normalised
   * @param userJid the user, normalised
   * @return the hats that are active; none for a room or a user that is not held
   */
  public final List<DisplayedHat> hats(String roomJid, String userJid) {
    return hats(roomJid, userJid, "");
  }

  /**
   * Returns the hats that a user wears, as they are displayed in a language.
   *
   * @param roomJid the room, normalised
   * @param userJid the user, normalised
   * @param language a language tag (BCP 47), such as {@code de-CH}: definitions have the title that
   *     the lookup of RFC 4647 finds for it, else the one that is of no language
   * @return as {@link #hats(String, String)}
   */
  public final List<DisplayedHat> hats(String roomJid, String userJid, String language) {
    return driver.state().hats(roomJid, userJid, language);
  }

  /**
   * Returns a user's document.
   *
   * @param roomJid the room, normalised
   * @param userJid the user, normalised
   * @return the document, empty if the user has no hats in the room
   */
  public final Optional<UserHats> document(String roomJid, String userJid) {
    return driver.state().document(roomJid, userJid);
  }

  /**
   * Returns a room's record.
   *
   * @param roomJid the room, normalised
   * @return the record, empty if it is not held
   */
  public final Optional<Room> room(String roomJid) {
    return driver.state().room(roomJid);
  }

  /**
   * Returns a room's catalogue.
   *
   * @param roomJid the room, normalised
   * @return the definitions, in no order
   */
  public final List<HatDefinition> definitions(String roomJid) {
    return driver.state().definitions(roomJid);
  }

  /**
   * Returns the rooms of which anything is held: a record, a catalogue, or a document.
   *
   * @return their JIDs, in no order
   */
  public final Set<String> rooms() {
    return driver.state().rooms();
  }

  /**
   * Returns the documents of a room that have hats.
   *
   * @param roomJid the room, normalised
   * @return the documents, in no order
   */
  public final List<UserHats> users(String roomJid) {
    return driver.state().users(roomJid);
  }

  /**
   * Returns whether the first snapshot was complete.
   *
   * @return false only before that
   */
  public final boolean isReady() {
    return driver.isReady();
  }

  /**
   * Returns whether what is held may be old in more than the way of the wire: before the first
   * snapshot is complete, from a reset or a loss on until the next one is, and once the mirror has
   * ended.
   *
   * @return whether it is
   */
  public final boolean isStale() {
    return driver.isStale();
  }

  /**
   * Returns the token after the last event that is applied.
   *
   * @return the token, empty within a snapshot
   */
  public final String token() {
    return driver.watchState().token();
  }

  /**
   * Returns what the watch under the mirror has been through.
   *
   * @return the counters
   */
  public final Counters counters() {
    return driver.watchState().counters();
  }

  /**
   * Returns when the last response came.
   *
   * @return the time, empty if none has come
   */
  public final Optional<Instant> lastResponse() {
    return Optional.ofNullable(driver.watchState().lastResponse());
  }

  /**
   * Returns the last error that a stream under the mirror ended with. The mirror goes on by itself
   * after most.
   *
   * @return the error, empty if there was none
   */
  public final Optional<HatdException> lastError() {
    return Optional.ofNullable(driver.lastError());
  }

  /**
   * Ends the mirror. What it holds stays readable and is stale; whoever waits gets a {@link
   * ClosedException}. A second call does nothing.
   */
  @Override
  public final void close() {
    driver.close();
  }

  final MirrorDriver driver() {
    return driver;
  }

  /** Returns the token of an answer. */
  static String tokenOf(Message answer) {
    FieldDescriptor field = answer.getDescriptorForType().findFieldByName("token");
    if (field == null) {
      throw new IllegalArgumentException(
          answer.getDescriptorForType().getName() + " is not an answer with a token");
    }
    return (String) answer.getField(field);
  }
}
