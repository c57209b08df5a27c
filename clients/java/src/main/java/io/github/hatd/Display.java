package io.github.hatd;

import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.HatDefinition;
import io.github.hatd.v1.HatPolicy;
import io.github.hatd.v1.Room;
import io.github.hatd.v1.UserHats;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Stream;

/** Says what the hats of a user look like. */
final class Display {

  /** Defined hats by position, the others after them; then by hat id, which is ASCII. */
  private static final Comparator<DisplayedHat> ORDER =
      Comparator.<DisplayedHat>comparingLong(Display::position).thenComparing(DisplayedHat::hatId);

  private Display() {}

  /**
   * Returns the active hats of a document, in the order in which they are displayed.
   *
   * @param room null if it is not held
   * @param definitionOf finds a hat in the room's catalogue, null if it is not there
   * @param language BCP 47; empty: the titles that are of no language
   */
  static List<DisplayedHat> hats(
      UserHats document, Room room, Function<String, HatDefinition> definitionOf, String language) {
    boolean definedFirst = room != null && room.getHatPolicy() == HatPolicy.HAT_POLICY_DEFINED_ONLY;
    return document.getHatsMap().entrySet().stream()
        .filter(hat -> hat.getValue().getActive())
        .map(hat -> hat(hat, definitionOf.apply(hat.getKey()), definedFirst, language))
        .sorted(ORDER)
        .toList();
  }

  private static DisplayedHat hat(
      Map.Entry<String, Attachment> hat,
      HatDefinition definition,
      boolean definedFirst,
      String language) {
    String hatId = hat.getKey();
    String given = hat.getValue().getTitle();
    String defined = definition == null ? "" : title(definition, language);
    Stream<String> titles =
        definedFirst ? Stream.of(defined, given, hatId) : Stream.of(given, defined, hatId);
    return new DisplayedHat(
        hatId,
        titles.filter(title -> !title.isEmpty()).findFirst().orElse(hatId),
        definition != null && definition.hasHue()
            ? OptionalDouble.of(definition.getHue())
            : OptionalDouble.empty(),
        hat.getValue(),
        Optional.ofNullable(definition));
  }

  /**
   * Returns the title of a definition in a language: that of the best match by the lookup of RFC
   * 4647, section 3.4, else the title that is of no language.
   */
  static String title(HatDefinition definition, String language) {
    String range = language;
    while (!range.isEmpty()) {
      String wanted = range;
      Optional<String> title =
          definition.getTitlesMap().entrySet().stream()
              .filter(entry -> entry.getKey().equalsIgnoreCase(wanted))
              .filter(entry -> !entry.getValue().isEmpty())
              // Tags that differ in case only are one language: the same one each time.
              .min(Map.Entry.comparingByKey())
              .map(Map.Entry::getValue);
      if (title.isPresent()) {
        return title.get();
      }
      range = shortened(range);
    }
    return definition.getTitle();
  }

  /** Drops the last subtag, and with it a single letter before it, which only introduces it. */
  private static String shortened(String range) {
    int end = range.lastIndexOf('-');
    if (end >= 2 && range.charAt(end - 2) == '-') {
      end -= 2;
    }
    return range.substring(0, Math.max(end, 0));
  }

  private static long position(DisplayedHat hat) {
    return hat.definition().map(found -> (long) found.getPosition()).orElse(Long.MAX_VALUE);
  }
}
