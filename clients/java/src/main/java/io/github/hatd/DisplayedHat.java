package io.github.hatd;

import io.github.hatd.v1.Attachment;
import io.github.hatd.v1.HatDefinition;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A hat that a user wears, as it is displayed.
 *
 * @param hatId the hat, a URI
 * @param title what to display, never empty
 * @param hue the hat's hue angle in degrees, 0 or more and less than 360 (XEP-0392), if it has one
 * @param attachment how the user has the hat
 * @param definition what the room's catalogue says of the hat, if it is held and defines it
 */
public record DisplayedHat(
    String hatId,
    String title,
    OptionalDouble hue,
    Attachment attachment,
    Optional<HatDefinition> definition) {}
