/**
 * What the conformance adapter does with the client, whichever way the commands come: see
 * `clients/conformance/README.md` of hatd.
 */
import {
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import {
  type Answer,
  type CallOptions,
  type Change,
  type Client,
  Closed,
  CommitSchema,
  HatDefinitionSchema,
  HatdError,
  HatService,
  type Mirror,
  ResetReasonSchema,
  RoomSchema,
  RoomService,
  type Selector,
  UserAffiliationSchema,
  UserHatsSchema,
  WardrobeService,
  type Watch,
  type WatchCounters,
  type WatchEvent,
  WatchSnapshotSchema,
} from "hatd";

/** What `connect` takes. */
export interface ConnectCommand {
  readonly target: string;
  readonly api_key?: string;
  readonly plaintext?: boolean;
  readonly ca_file?: string;
  readonly read_timeout_ms?: number;
  readonly write_timeout_ms?: number;
}

/** What all commands but `connect` take, each some of it. */
interface Command {
  readonly method: string;
  readonly request: JsonValue;
  readonly timeout_ms?: number;
  readonly room_jid: string;
  readonly user_jid: string;
  readonly hat_id: string;
  readonly command: number;
  readonly watch: string;
  readonly mirror: string;
  readonly listener: string;
  readonly language?: string;
  readonly answer?: JsonValue;
  readonly token?: string;
  readonly options?: Options;
}

interface Options {
  readonly selectors?: Selector[];
  readonly start?: "snapshot" | "now" | { readonly resume_token: string };
  readonly on_expired?: "RESET" | "FAIL";
  readonly heartbeat_interval_ms?: number;
  readonly at_least_token?: string;
  readonly reconnect_delay_max_ms?: number;
}

type Operation = (command: Command, signal: AbortSignal) => JsonObject | Promise<JsonObject>;

/** A command that cannot be done as it is written. */
class BadCommand extends Error {
  override readonly name = "BadCommand";
}

/** The methods by the names of their RPCs. */
const METHODS = new Map<string, DescMethod>(
  [HatService, RoomService, WardrobeService].flatMap(({ methods }) =>
    methods.map((method) => [method.name, method] as const),
  ),
);

/** The lists that follow their pages, by the names of the RPCs, with the messages they hold. */
const LISTS = new Map<string, readonly [string, GenMessage<Message>]>([
  ["ListRoomHats", ["allRoomHats", UserHatsSchema]],
  ["ListUserHats", ["allUserHats", UserHatsSchema]],
  ["ListHatDefinitions", ["allHatDefinitions", HatDefinitionSchema]],
  ["ListRooms", ["allRooms", RoomSchema]],
  ["ListAffiliations", ["allAffiliations", UserAffiliationSchema]],
]);

export class Adapter {
  readonly #connect: (command: ConnectCommand) => Client;
  readonly #send: (line: string) => void;
  readonly #pending = new Map<number, AbortController>();
  readonly #watches = new Map<string, { watch: Watch; events: Pull<WatchEvent> }>();
  readonly #mirrors = new Map<string, Mirror>();
  readonly #listeners = new Map<string, Pull<Change>>();
  #client: Client | undefined;

  /** Takes how to connect, and what takes the lines that are replied. */
  constructor(connect: (command: ConnectCommand) => Client, send: (line: string) => void) {
    this.#connect = connect;
    this.#send = send;
  }

  /** Does the command of a line, and replies when it is done. */
  async handle(line: string): Promise<void> {
    let id: number | null = null;
    try {
      const command = JSON.parse(line) as Command & { id: number; op: string };
      ({ id } = command);
      const ok = await this.#perform(id, command.op, command);
      this.#reply({ id, ok });
    } catch (error) {
      this.#reply({ id, error: describe(id === null ? new BadCommand(String(error)) : error) });
    }
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #reply(reply: JsonObject): void {
    this.#send(JSON.stringify(reply));
  }

  async #perform(id: number, op: string, command: Command): Promise<JsonObject> {
    const operation = this.#operations[op];
    if (!operation) {
      throw new BadCommand(`no such operation: ${op}`);
    }
    const controller = new AbortController();
    this.#pending.set(id, controller);
    try {
      return await operation(command, controller.signal);
    } finally {
      this.#pending.delete(id);
    }
  }

  readonly #operations: Readonly<Record<string, Operation>> = {
    connect: async (command) => {
      const previous = this.#client;
      this.#client = this.#connect(command as unknown as ConnectCommand);
      this.#watches.clear();
      this.#mirrors.clear();
      this.#listeners.clear();
      await previous?.close();
      return {};
    },

    call: async ({ method, request, timeout_ms }, signal) => {
      const { input, output, localName } = findMethod(method);
      const message = parse(input, request);
      const answer = this.#invoke(localName, message, options(signal, timeout_ms));
      return toJson(output, await (answer as Promise<Message>)) as JsonObject;
    },

    give_hat: async ({ room_jid, user_jid, hat_id }, signal) => {
      const answer = await this.#connected().giveHat(room_jid, user_jid, hat_id, { signal });
      return toJson(HatService.method.addUserHat.output, answer) as JsonObject;
    },

    list_all: async ({ method, request }, signal) => {
      const [name, schema] = found(LISTS.get(method), method);
      const message = parse(findMethod(method).input, request);
      const list = this.#invoke(name, message, options(signal));
      const items: JsonValue[] = [];
      for await (const item of list as AsyncIterable<Message>) {
        items.push(toJson(schema, item));
      }
      return { items };
    },

    cancel: ({ command }) => {
      this.#pending.get(command)?.abort();
      return {};
    },

    watch: (command) => {
      const watch = this.#connected().watch(watchOptions(command.options));
      this.#watches.set(command.watch, { watch, events: new Pull(watch) });
      return {};
    },

    next: async ({ watch }, signal) => {
      const event = await found(this.#watches.get(watch), watch).events.next(signal);
      return describeEvent(event);
    },

    watch_status: (command) => {
      const { token, counters } = found(this.#watches.get(command.watch), command.watch).watch;
      return { token, ...describeCounters(counters) };
    },

    close_watch: async (command) => {
      await found(this.#watches.get(command.watch), command.watch).watch.close();
      return {};
    },

    mirror: (command) => {
      const { selectors, heartbeatIntervalMs, reconnectDelayMaxMs } = watchOptions(command.options);
      const mirror = this.#connected().mirror({
        selectors,
        heartbeatIntervalMs,
        reconnectDelayMaxMs,
      });
      this.#mirrors.set(command.mirror, mirror);
      return {};
    },

    ready: async (command, signal) => {
      await this.#mirror(command).ready({ signal });
      return {};
    },

    hats: (command) => {
      const { room_jid, user_jid, language } = command;
      const hats = this.#mirror(command).hats(room_jid, user_jid, language);
      return {
        hats: hats.map(({ hatId, title, hue }) => ({
          hat_id: hatId,
          title,
          ...(hue !== undefined && { hue }),
        })),
      };
    },

    wait_for: async (command, signal) => {
      const { method, answer, token = "" } = command;
      const included =
        answer === undefined
          ? token
          : (parse(findMethod(method).output, answer) as Message & Answer);
      await this.#mirror(command).waitFor(included, { signal });
      return {};
    },

    listen: (command) => {
      this.#listeners.set(command.listener, new Pull(this.#mirror(command).changes()));
      return {};
    },

    next_change: async ({ listener }, signal) => {
      const { roomJid, userJid } = await found(this.#listeners.get(listener), listener).next(
        signal,
      );
      return { room_jid: roomJid, user_jid: userJid };
    },

    mirror_state: (command) => {
      const mirror = this.#mirror(command);
      const rooms = mirror.rooms();
      return {
        rooms: rooms.map((room) => toJson(RoomSchema, room)),
        definitions: rooms.flatMap(({ roomJid }) =>
          mirror.definitions(roomJid).map((definition) => ({
            roomJid,
            definition: toJson(HatDefinitionSchema, definition),
          })),
        ),
        users: mirror.users().map((document) => toJson(UserHatsSchema, document)),
      };
    },

    mirror_status: (command) => {
      const { token, counters, isReady: ready, stale } = this.#mirror(command);
      return { token, ...describeCounters(counters), ready, stale };
    },

    close_mirror: async (command) => {
      await this.#mirror(command).close();
      return {};
    },

    close: async () => {
      await this.close();
      return {};
    },
  };

  #connected(): Client {
    return found(this.#client, "the client");
  }

  #mirror({ mirror }: Command): Mirror {
    return found(this.#mirrors.get(mirror), mirror);
  }

  /** Calls a method of the client that is known by its name only. */
  #invoke(name: string, request: Message, options: CallOptions): unknown {
    type Method = (request: Message, options: CallOptions) => unknown;
    const client = this.#connected();
    return (client as unknown as Record<string, Method>)[name]?.call(client, request, options);
  }
}

/** What is pulled from an iterator. What came for a command that was cancelled is for the next. */
class Pull<T> {
  readonly #source: AsyncIterator<T, undefined>;
  #pending: Promise<IteratorResult<T, undefined>> | undefined;

  constructor(source: AsyncIterator<T, undefined>) {
    this.#source = source;
  }

  async next(signal: AbortSignal): Promise<T> {
    this.#pending ??= this.#source.next();
    const cancelled = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(new HatdError({ code: "CANCELLED", message: "cancelled" }));
      });
    });
    let done = true;
    try {
      const result = await Promise.race([this.#pending, cancelled]);
      if (result.done) {
        throw new Closed({ code: "CANCELLED", message: "there is nothing more" });
      }
      return result.value;
    } catch (error) {
      done = !signal.aborted;
      throw error;
    } finally {
      if (done) {
        this.#pending = undefined;
      }
    }
  }
}

function options(signal: AbortSignal, timeoutMs?: number): CallOptions {
  return { signal, timeoutMs };
}

function watchOptions(options: Options = {}) {
  const { start, on_expired } = options;
  return {
    selectors: options.selectors,
    start: typeof start === "object" ? { resumeToken: start.resume_token } : start,
    onExpired: on_expired === "FAIL" ? ("fail" as const) : ("reset" as const),
    heartbeatIntervalMs: options.heartbeat_interval_ms,
    atLeastToken: options.at_least_token,
    reconnectDelayMaxMs: options.reconnect_delay_max_ms,
  };
}

function findMethod(name: string): DescMethod {
  return found(METHODS.get(name), name);
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) {
    throw new BadCommand(`there is no ${name}`);
  }
  return value;
}

function parse<Desc extends DescMessage>(schema: Desc, json: JsonValue): MessageShape<Desc> {
  try {
    return fromJson(schema, json);
  } catch (error) {
    throw new BadCommand(String(error));
  }
}

function describeEvent(event: WatchEvent): JsonObject {
  const { kind, token } = event;
  switch (event.kind) {
    case "reset":
      return { kind, token, reason: ResetReasonSchema.value[event.reason].name };
    case "snapshot":
      return { kind, token, page: toJson(WatchSnapshotSchema, event.page) };
    case "changes":
      return { kind, token, commits: event.commits.map((commit) => toJson(CommitSchema, commit)) };
    case "bookmark":
      return { kind, token };
  }
}

function describeCounters({ reconnects, resets, chainBreaks }: WatchCounters): JsonObject {
  return { reconnects, resets, chain_breaks: chainBreaks };
}

function describe(error: unknown): JsonObject {
  if (!(error instanceof HatdError)) {
    const { name, message } = error as Error;
    return { type: name, code: "UNKNOWN", reason: "", message };
  }
  const { name, code, reason, message, metadata, requestId, violations, retryDelayMs } = error;
  return {
    type: name,
    code,
    reason,
    message,
    metadata: { ...metadata },
    request_id: requestId,
    violations: violations.map(({ field, description }) => ({ field, description })),
    ...(retryDelayMs !== undefined && { retry_delay_ms: retryDelayMs }),
  };
}
