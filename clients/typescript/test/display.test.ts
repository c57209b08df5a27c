import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { displayedHats } from "../src/display.js";
import {
  type AttachmentSchema,
  HatDefinitionSchema,
  HatPolicy,
  UserHatsSchema,
} from "../src/gen/hatd/v1/types_pb.js";

function titles(
  hats: Record<string, MessageInitShape<typeof AttachmentSchema>>,
  definitions: MessageInitShape<typeof HatDefinitionSchema>[] = [],
  { policy = HatPolicy.ANY_URI, language }: { policy?: HatPolicy; language?: string } = {},
): string[] {
  const catalogue = new Map(
    definitions.map((definition) => {
      const message = create(HatDefinitionSchema, definition);
      return [message.hatId, message] as const;
    }),
  );
  const document = create(UserHatsSchema, { hats });
  return displayedHats(document, (id) => catalogue.get(id), policy, language).map(
    ({ title }) => title,
  );
}

const active = true;

test("only hats that are worn are displayed", () => {
  assert.deepEqual(titles({ "urn:a": { active }, "urn:b": {} }), ["urn:a"]);
});

test("the user's own title comes first, then the catalogue's, then the hat id", () => {
  const definition = { hatId: "urn:a", title: "Host" };
  assert.deepEqual(titles({ "urn:a": { active, title: "Own" } }, [definition]), ["Own"]);
  assert.deepEqual(titles({ "urn:a": { active } }, [definition]), ["Host"]);
  assert.deepEqual(titles({ "urn:a": { active } }, [{ hatId: "urn:a" }]), ["urn:a"]);
});

test("the catalogue's title comes first where only its hats are allowed", () => {
  const policy = HatPolicy.DEFINED_ONLY;
  const hats = { "urn:a": { active, title: "Own" } };
  assert.deepEqual(titles(hats, [{ hatId: "urn:a", title: "Host" }], { policy }), ["Host"]);
  assert.deepEqual(titles(hats, [{ hatId: "urn:a" }], { policy }), ["Own"]);
  assert.deepEqual(titles({ "urn:a": { active } }, [], { policy }), ["urn:a"]);
});

test("hats stand by position, those without a definition last, then by the bytes of their ids", () => {
  const hats = Object.fromEntries(
    ["urn:undefined", "URN:undefined", "urn:b", "urn:a", "urn:z"].map((id) => [id, { active }]),
  );
  const definitions = [
    { hatId: "urn:z", position: -1 },
    { hatId: "urn:a", position: 2 },
    { hatId: "urn:b", position: 2 },
  ];
  const order = ["urn:z", "urn:a", "urn:b", "URN:undefined", "urn:undefined"];
  assert.deepEqual(titles(hats, definitions), order);
});

test("a title is looked up by language as RFC 4647 says", () => {
  const definition = {
    hatId: "urn:a",
    title: "Host",
    titles: { de: "Gastgeberin", "de-AT": "Wirtin", "zh-Hant": "主人", fr: "" },
  };
  const cases = {
    "de-AT": "Wirtin",
    "DE-at": "Wirtin",
    "de-AT-1996": "Wirtin",
    "de-CH": "Gastgeberin",
    "de-x-private": "Gastgeberin",
    "zh-Hant-CN-x-private1-private2": "主人",
    zh: "Host",
    en: "Host",
    fr: "Host",
    "": "Host",
  };
  for (const [language, title] of Object.entries(cases)) {
    assert.deepEqual(
      titles({ "urn:a": { active } }, [definition], { language }),
      [title],
      language,
    );
  }
});
