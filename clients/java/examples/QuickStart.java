import io.github.hatd.*;
import io.github.hatd.v1.*;

public class QuickStart {
  public static void main(String[] arguments) {
    String room = "room@conference.localhost";
    String user = "user@localhost";
    SetAffiliationRequest.Builder member =
        SetAffiliationRequest.newBuilder().setAffiliation(Affiliation.AFFILIATION_MEMBER);
    try (HatdClient hatd = HatdClient.connect("http://127.0.0.1:50051")) {
      hatd.putRoom(PutRoomRequest.newBuilder().setRoomJid(room).build());
      hatd.setAffiliation(member.setRoomJid(room).setUserJid(user).build());
      hatd.giveHat(room, user, "urn:uuid:164c41a2-7461-4cff-bdae-3f93078a6607");

      for (Event event : hatd.watch(WatchOptions.of(Selectors.room(room)))) {
        System.out.println(event);
        if (event instanceof Event.Bookmark) break; // All that there is has come.
      }
    }
  }
}
