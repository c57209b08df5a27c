import io.github.hatd.Change;
import io.github.hatd.Changes;
import io.github.hatd.DisplayedHat;
import io.github.hatd.HatdClient;
import io.github.hatd.Mirror;
import io.github.hatd.Selectors;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Shows the hats of a room as they are displayed, and again whenever they change, from a mirror:
 *
 * <pre>
 * ./task example ShowHats http://127.0.0.1:50051 room@conference.localhost de
 * </pre>
 */
public class ShowHats {

  public static void main(String[] arguments) {
    String target = arguments[0];
    String room = arguments[1];
    String language = arguments.length > 2 ? arguments[2] : "";

    try (HatdClient hatd = HatdClient.connect(target);
        Mirror mirror = hatd.mirror(Selectors.room(room));
        Changes changes = mirror.changes()) {
      mirror.ready();
      for (Change change : changes) {
        if (change.userJid().isEmpty()) {
          System.out.println("the room or its catalogue changed");
          continue;
        }
        List<DisplayedHat> hats = mirror.hats(room, change.userJid(), language);
        System.out.println(
            change.userJid()
                + ": "
                + hats.stream().map(DisplayedHat::title).collect(Collectors.joining(", ")));
      }
    }
  }
}
