import io.github.hatd.HatdClient;
import io.github.hatd.v1.Affiliation;
import io.github.hatd.v1.DefineHatRequest;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.PutRoomRequest;
import io.github.hatd.v1.SetAffiliationRequest;

/**
 * The back end of a school: brings a classroom, its people and its hats to hatd. Run again, it
 * changes what is different, such as the title of a tutor:
 *
 * <pre>
 * ./task example School algebra@conference.localhost http://127.0.0.1:50051 Tutor
 * </pre>
 */
public class School {

  public static void main(String[] arguments) {
    String room = arguments[0];
    String target = arguments[1];
    String tutor = arguments[2];

    try (HatdClient hatd = HatdClient.connect(target)) {
      hatd.putRoom(PutRoomRequest.newBuilder().setRoomJid(room).build());
      admit(hatd, room, "ada@localhost", Affiliation.AFFILIATION_OWNER);
      admit(hatd, room, "ben@localhost", Affiliation.AFFILIATION_MEMBER);

      HatDefinition.Builder teacher =
          HatDefinition.newBuilder()
              .setHatId("https://school.example/hats/teacher")
              .setTitle("Teacher")
              .putTitles("de", "Lehrerin")
              .setHue(231)
              .setPosition(1);
      define(hatd, room, teacher);
      HatDefinition.Builder helper =
          HatDefinition.newBuilder()
              .setHatId("https://school.example/hats/tutor")
              .setTitle(tutor)
              .setHue(140.25)
              .setPosition(2);
      define(hatd, room, helper);

      hatd.giveHat(room, "ada@localhost", teacher.getHatId());
    }
  }

  private static void admit(HatdClient hatd, String room, String user, Affiliation affiliation) {
    SetAffiliationRequest.Builder request =
        SetAffiliationRequest.newBuilder().setRoomJid(room).setUserJid(user);
    hatd.setAffiliation(request.setAffiliation(affiliation).build());
  }

  private static void define(HatdClient hatd, String room, HatDefinition.Builder definition) {
    DefineHatRequest.Builder request = DefineHatRequest.newBuilder().setRoomJid(room);
    long revision = hatd.defineHat(request.setDefinition(definition).build()).getRevision();
    System.out.println(definition.getTitle() + " is defined, revision " + revision);
  }
}
