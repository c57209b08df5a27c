import io.github.hatd.Change;
import io.github.hatd.Changes;
import io.github.hatd.DisplayedHat;
import io.github.hatd.HatdClient;
import io.github.hatd.Mirror;
import io.github.hatd.Selectors;
import io.github.hatd.v1.UserHats;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Shows the hats of a room as they are displayed, and again whenever they change, from a mirror:
 *
 * <pre>
 * ./task example ShowHats room@conference.localhost http://127.0.0.1:50051 de
 * </pre>
 */
public class ShowHats {

  public static void main(String[] arguments) {
    String room = arguments[0];
    String target = arguments.length > 1 ? arguments[1] : "http://127.0.0.1:50051";
    String language = arguments.length > 2 ? arguments[2] : "";

    try (HatdClient hatd = HatdClient.connect(target);
        Mirror mirror = hatd.mirror(Selectors.room(room));
        Changes changes = mirror.changes()) {
      for (Change change : changes) {
        if (!change.userJid().isEmpty()) {
          show(mirror, room, change.userJid(), language);
          continue;
        }
        // The catalogue: any title may be another one now.
        for (UserHats document : mirror.users(room)) {
          show(mirror, room, document.getUserJid(), language);
        }
      }
    }
  }

  private static void show(Mirror mirror, String room, String user, String language) {
    List<DisplayedHat> hats = mirror.hats(room, user, language);
    String titles = hats.stream().map(DisplayedHat::title).collect(Collectors.joining(", "));
    System.out.println(user + ": " + (hats.isEmpty() ? "no hat" : titles));
  }
}
