import {
  type Attachment,
  type HatDefinition,
  HatPolicy,
  type UserHats,
} from "./gen/hatd/v1/types_pb.js";

/** A hat that a user wears, as it is displayed. */
export interface DisplayedHat {
  /** The hat, a URI. */
  readonly hatId: string;
  /** The title, which is never empty. */
  readonly title: string;
  /** The hue angle in degrees, 0 <= hue < 360 (XEP-0392), if the definition has one. */
  readonly hue: number | undefined;
  /** How the user has the hat. */
  readonly attachment: Readonly<Attachment>;
  /** The hat as the room's catalogue has it, if it does. */
  readonly definition: Readonly<HatDefinition> | undefined;
}

/**
 * Returns the hats of a document that are worn, in the order to display them: by the position of
 * their definitions, those without one last, and then by hat id.
 */
export function displayedHats(
  document: Readonly<UserHats>,
  definitionOf: (hatId: string) => Readonly<HatDefinition> | undefined,
  policy: HatPolicy,
  language: string | undefined,
): DisplayedHat[] {
  return Object.entries(document.hats)
    .filter(([, attachment]) => attachment.active)
    .map(([hatId, attachment]) => {
      const definition = definitionOf(hatId);
      const own = attachment.title;
      const defined = definition ? definedTitle(definition, language) : "";
      const title = policy === HatPolicy.DEFINED_ONLY ? defined || own : own || defined;
      return { hatId, title: title || hatId, hue: definition?.hue, attachment, definition };
    })
    .sort(
      (a, b) =>
        compare(a.definition?.position ?? Infinity, b.definition?.position ?? Infinity) ||
        compare(a.hatId, b.hatId),
    );
}

/** Hat ids are ASCII, so that the order of their code units is that of their bytes. */
function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the title of a definition in a language, or the one that is for all. */
function definedTitle({ title, titles }: HatDefinition, language: string | undefined): string {
  return (language && lookUp(titles, language)) || title;
}

/**
 * Returns the title whose language tag matches best, by the lookup of RFC 4647, section 3.4: the
 * tag asked for, shortened from the right until there is one, together with a single character
 * before the part that goes.
 */
function lookUp(titles: Readonly<Record<string, string>>, language: string): string | undefined {
  const byTag = new Map(
    Object.entries(titles).map(([tag, title]) => [tag.toLowerCase(), title] as const),
  );
  const subtags = language.toLowerCase().split("-");
  while (subtags.length > 0) {
    const title = byTag.get(subtags.join("-"));
    if (title) {
      return title;
    }
    subtags.pop();
    if (subtags.at(-1)?.length === 1) {
      subtags.pop();
    }
  }
  return undefined;
}
