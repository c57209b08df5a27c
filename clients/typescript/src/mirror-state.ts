import { equals, type Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type DisplayedHat, displayedHats } from "./display.js";
import type { WatchEvent } from "./events.js";
import type { Commit, WatchSnapshot } from "./gen/hatd/v1/hat_service_pb.js";
import {
  type HatDefinition,
  HatDefinitionSchema,
  HatPolicy,
  type Room,
  RoomSchema,
  type UserHats,
  UserHatsSchema,
} from "./gen/hatd/v1/types_pb.js";

/** What is held of a room. */
interface RoomState {
  record: Held<Room> | undefined;
  readonly definitions: Map<string, Held<HatDefinition>>;
  readonly documents: Map<string, Held<UserHats>>;
  /** The highest revision seen of the room since the last reset; 0: none. */
  revision: bigint;
}

/** Something held, and the number of the snapshot in or after which it came. */
interface Held<T> {
  readonly value: T;
  readonly snapshot: number;
}

/** Is told what differs: a user's document, or with an empty JID the room or its catalogue. */
export type Report = (roomJid: string, userJid: string) => void;

/** The state of a scope, as the events of a watch make it. What it holds is frozen. */
export class MirrorState {
  readonly #rooms = new Map<string, RoomState>();
  readonly #report: Report;
  /** Of which snapshot what comes is. What is older when that is complete is gone. */
  #snapshot = 0;
  #complete = false;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Whether nothing is missing: the last snapshot is complete, and nothing was lost since. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Takes note that something was lost: a snapshot is to follow. */
  lose(): void {
    this.#complete = false;
  }

  /** Applies an event whole. */
  apply(event: WatchEvent): void {
    switch (event.kind) {
      case "reset":
        this.#snapshot += 1;
        this.#complete = false;
        for (const room of this.#rooms.values()) {
          room.revision = 0n;
        }
        break;
      case "snapshot":
        this.#applyPage(event.page);
        break;
      case "changes":
        event.commits.forEach((commit) => {
          this.#applyCommit(commit);
        });
        break;
      case "bookmark":
        break;
    }
  }

  room(roomJid: string): Readonly<Room> | undefined {
    return this.#rooms.get(roomJid)?.record?.value;
  }

  rooms(): Readonly<Room>[] {
    return [...this.#rooms.values()].flatMap(({ record }) => (record ? [record.value] : []));
  }

  definitions(roomJid: string): Readonly<HatDefinition>[] {
    return values(this.#rooms.get(roomJid)?.definitions);
  }

  document(roomJid: string, userJid: string): Readonly<UserHats> | undefined {
    return this.#rooms.get(roomJid)?.documents.get(userJid)?.value;
  }

  documents(roomJid: string): Readonly<UserHats>[] {
    return values(this.#rooms.get(roomJid)?.documents);
  }

  allDocuments(): Readonly<UserHats>[] {
    return [...this.#rooms.values()].flatMap(({ documents }) => values(documents));
  }

  /** Returns the highest revision seen of a room since the last reset; 0: none. */
  revision(roomJid: string): bigint {
    return this.#rooms.get(roomJid)?.revision ?? 0n;
  }

  hats(roomJid: string, userJid: string, language: string | undefined): DisplayedHat[] {
    const room = this.#rooms.get(roomJid);
    const document = room?.documents.get(userJid)?.value;
    if (!room || !document) {
      return [];
    }
    const policy = room.record?.value.hatPolicy ?? HatPolicy.UNSPECIFIED;
    return displayedHats(document, (id) => room.definitions.get(id)?.value, policy, language);
  }

  #applyPage({ rooms, definitions, users, complete }: WatchSnapshot): void {
    for (const record of rooms) {
      this.#putRoom(record);
    }
    for (const { roomJid, definition } of definitions) {
      if (definition) {
        this.#putDefinition(roomJid, definition);
      }
    }
    for (const document of users) {
      this.#putDocument(document);
    }
    if (complete) {
      this.#sweep();
      this.#complete = true;
    }
  }

  #applyCommit(commit: Commit): void {
    const { roomJid } = commit;
    if (commit.roomDeleted) {
      this.#deleteRoom(roomJid);
      return;
    }
    this.#see(roomJid, commit.revision);
    if (commit.room) {
      this.#putRoom(commit.room);
    }
    for (const definition of commit.definitions) {
      this.#putDefinition(roomJid, definition);
    }
    const { definitions } = this.#roomState(roomJid);
    for (const hatId of commit.removedDefinitions) {
      if (definitions.delete(hatId)) {
        this.#report(roomJid, "");
      }
    }
    for (const { userHats } of commit.users) {
      if (userHats) {
        this.#putDocument(userHats);
      }
    }
    this.#dropIfEmpty(roomJid);
  }

  #putRoom(record: Room): void {
    const { roomJid, revision } = record;
    const room = this.#see(roomJid, revision);
    if (!room.record || !equals(RoomSchema, room.record.value, record)) {
      this.#report(roomJid, "");
    }
    room.record = this.#held(record);
  }

  #putDefinition(roomJid: string, definition: HatDefinition): void {
    const { definitions } = this.#see(roomJid, definition.revision);
    if (this.#put(HatDefinitionSchema, definitions, definition.hatId, definition)) {
      this.#report(roomJid, "");
    }
  }

  #putDocument(document: UserHats): void {
    const { roomJid, userJid } = document;
    const { documents } = this.#see(roomJid, document.revision);
    const differs =
      Object.keys(document.hats).length > 0
        ? this.#put(UserHatsSchema, documents, userJid, document)
        : documents.delete(userJid);
    if (differs) {
      this.#report(roomJid, userJid);
    }
  }

  /** Replaces what is held under `key`. Returns whether that makes a difference. */
  #put<T extends Message>(
    schema: GenMessage<T>,
    held: Map<string, Held<T>>,
    key: string,
    value: T,
  ): boolean {
    const previous = held.get(key)?.value;
    held.set(key, this.#held(value));
    return !previous || !equals(schema, previous, value);
  }

  /** Drops what a complete snapshot did not bring. */
  #sweep(): void {
    for (const [roomJid, room] of this.#rooms) {
      if (room.record && this.#isOld(room.record)) {
        room.record = undefined;
        this.#report(roomJid, "");
      }
      for (const [hatId, definition] of room.definitions) {
        if (this.#isOld(definition)) {
          room.definitions.delete(hatId);
          this.#report(roomJid, "");
        }
      }
      for (const [userJid, document] of room.documents) {
        if (this.#isOld(document)) {
          room.documents.delete(userJid);
          this.#report(roomJid, userJid);
        }
      }
      this.#dropIfEmpty(roomJid);
    }
  }

  #deleteRoom(roomJid: string): void {
    const room = this.#rooms.get(roomJid);
    if (!room) {
      return;
    }
    this.#rooms.delete(roomJid);
    if (room.record || room.definitions.size > 0) {
      this.#report(roomJid, "");
    }
    for (const userJid of room.documents.keys()) {
      this.#report(roomJid, userJid);
    }
  }

  /** Takes note of a revision of a room. */
  #see(roomJid: string, revision: bigint): RoomState {
    const room = this.#roomState(roomJid);
    if (revision > room.revision) {
      room.revision = revision;
    }
    return room;
  }

  #roomState(roomJid: string): RoomState {
    let room = this.#rooms.get(roomJid);
    if (!room) {
      room = { record: undefined, definitions: new Map(), documents: new Map(), revision: 0n };
      this.#rooms.set(roomJid, room);
    }
    return room;
  }

  #dropIfEmpty(roomJid: string): void {
    const { record, definitions, documents } = this.#roomState(roomJid);
    if (!record && definitions.size === 0 && documents.size === 0) {
      this.#rooms.delete(roomJid);
    }
  }

  #held<T>(value: T): Held<T> {
    return { value: deepFreeze(value), snapshot: this.#snapshot };
  }

  #isOld({ snapshot }: Held<unknown>): boolean {
    return snapshot !== this.#snapshot;
  }
}

function values<T>(held: Map<string, Held<T>> | undefined): Readonly<T>[] {
  return Array.from(held?.values() ?? [], ({ value }) => value);
}

/** Makes a message immutable. Bytes cannot be: only fields that are not known yet have them. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
