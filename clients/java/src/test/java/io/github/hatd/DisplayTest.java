package io.github.hatd;

import static io.github.hatd.Responses.ANN;
import static io.github.hatd.Responses.definition;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.HatPolicy;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.UserHats;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DisplayTest {

  private static final Room ANY =
      Room.newBuilder().setHatPolicy(HatPolicy.HAT_POLICY_ANY_URI).build();
  private static final Room DEFINED =
      Room.newBuilder().setHatPolicy(HatPolicy.HAT_POLICY_DEFINED_ONLY).build();

  private static Attachment worn(String title) {
    return Attachment.newBuilder().setActive(true).setTitle(title).build();
  }

  private static List<DisplayedHat> hats(
      Map<String, Attachment> hats, Room room, HatDefinition... definitions) {
    UserHats document = UserHats.newBuilder().setUserJid(ANN).putAllHats(hats).build();
    return Display.hats(
        document,
        room,
        hatId ->
            List.of(definitions).stream()
                .filter(definition -> definition.getHatId().equals(hatId))
                .findFirst()
                .orElse(null),
        "");
  }

  private static String title(String given, Room room, HatDefinition... definitions) {
    return hats(Map.of("urn:a", worn(given)), room, definitions).get(0).title();
  }

  @Test
  void aTitleIsNeverEmpty() {
    assertEquals("Own", title("Own", ANY, definition("urn:a", "Host")));
    assertEquals("Host", title("", ANY, definition("urn:a", "Host")));
    assertEquals("urn:a", title("", ANY, definition("urn:a", "")));
    assertEquals("urn:a", title("", null));
  }

  @Test
  void theCatalogueComesFirstWhereOnlyItsHatsAreAllowed() {
    assertEquals("Host", title("Own", DEFINED, definition("urn:a", "Host")));
    assertEquals("Own", title("Own", DEFINED, definition("urn:a", "")));
    assertEquals("urn:a", title("", DEFINED));
  }

  @Test
  void onlyHatsThatAreWornAreDisplayed() {
    Map<String, Attachment> hats =
        Map.of("urn:a", worn(""), "urn:b", Attachment.getDefaultInstance());
    assertEquals(List.of("urn:a"), hats(hats, ANY).stream().map(DisplayedHat::hatId).toList());
  }

  @Test
  void hatsAreInTheOrderOfTheCatalogueAndThenById() {
    Map<String, Attachment> hats =
        Map.of(
            "urn:a", worn(""), "urn:b", worn(""), "urn:c", worn(""), "urn:d", worn(""), "urn:D",
            worn(""));
    List<DisplayedHat> shown =
        hats(
            hats,
            ANY,
            definition("urn:c", "").toBuilder().setPosition(-1).build(),
            definition("urn:b", "").toBuilder().setPosition(Integer.MAX_VALUE).build());
    assertEquals(
        List.of("urn:c", "urn:b", "urn:D", "urn:a", "urn:d"),
        shown.stream().map(DisplayedHat::hatId).toList());
  }

  @Test
  void aHueOfZeroIsOne() {
    Map<String, Attachment> hats = Map.of("urn:a", worn(""));
    HatDefinition red = definition("urn:a", "").toBuilder().setHue(0).build();
    assertEquals(OptionalDouble.of(0), hats(hats, ANY, red).get(0).hue());
    assertEquals(OptionalDouble.empty(), hats(hats, ANY, definition("urn:a", "")).get(0).hue());
  }

  @ParameterizedTest
  @CsvSource({
    "de, Gastgeberin",
    "DE, Gastgeberin",
    "de-AT, Wirtin",
    "de-at-1996, Wirtin",
    "de-CH, Gastgeberin",
    "de-x-own, Gastgeberin",
    "zh-Hant-CN-x-wadegile-private1, Zhuren",
    "zh-Hans, Host",
    "d, Host",
    "fr, Host",
    "'', Host",
    "-, Host",
    "-de, Host",
    "x-own, Host",
    "en, Host",
  })
  void aTitleIsInTheLanguageThatLookupFinds(String language, String title) {
    HatDefinition definition =
        definition("urn:a", "Host").toBuilder()
            .putTitles("de", "Gastgeberin")
            .putTitles("de-AT", "Wirtin")
            .putTitles("zh-Hant", "Zhuren")
            .putTitles("en", "")
            .build();
    assertEquals(title, Display.title(definition, language));
  }
}
