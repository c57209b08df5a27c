import io.github.hatd.Disconnect;
import io.github.hatd.Event;
import io.github.hatd.HatdClient;
import io.github.hatd.Selectors;
import io.github.hatd.Watch;
import io.github.hatd.WatchListener;
import io.github.hatd.WatchOptions;
import io.github.hatd.v1.Commit;
import io.github.hatd.v1.UserChange;
import io.github.hatd.v1.UserHats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Follows a room, and goes on where it stopped when it is started again:
 *
 * <pre>
 * ./task example WatchRoom room@conference.localhost http://127.0.0.1:50051 token.txt
 * </pre>
 */
public class WatchRoom {

  public static void main(String[] arguments) throws IOException {
    String room = arguments[0];
    String target = arguments[1];
    Path file = Path.of(arguments[2]);

    WatchOptions options = WatchOptions.of(Selectors.room(room)).withListener(new Log());
    if (Files.exists(file)) {
      options = options.withResumeToken(Files.readString(file));
    }
    try (HatdClient hatd = HatdClient.connect(target);
        Watch watch = hatd.watch(options)) {
      for (Event event : watch) {
        show(event);
        // The event is processed: from here on, what comes after it is what is missing.
        if (event.token().isEmpty()) {
          Files.deleteIfExists(file);
        } else {
          Files.writeString(file, event.token());
        }
      }
    }
  }

  private static void show(Event event) {
    if (event instanceof Event.Reset reset) {
      System.out.println("what was shown before counts no more: " + reset.reason());
    } else if (event instanceof Event.Snapshot snapshot) {
      for (UserHats document : snapshot.page().getUsersList()) {
        System.out.println(document.getUserJid() + " has " + document.getHatsMap().keySet());
      }
    } else if (event instanceof Event.Changes changes) {
      for (Commit commit : changes.commits()) {
        for (UserChange change : commit.getUsersList()) {
          UserHats document = change.getUserHats();
          System.out.println(document.getUserJid() + " now has " + document.getHatsMap().keySet());
        }
      }
    }
  }

  private static final class Log implements WatchListener {
    @Override
    public void connected() {
      System.err.println("connected");
    }

    @Override
    public void disconnected(Disconnect cause, Duration retryIn) {
      System.err.println(cause.message() + "; trying again in " + retryIn.toMillis() + " ms");
    }
  }
}
