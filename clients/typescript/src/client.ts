/// <reference lib="esnext.disposable" preserve="true" />
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Transport } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { Backoff } from "./backoff.js";
import { type ApiKey, Credentials } from "./credentials.js";
import { Closed, type HatdError } from "./errors.js";
import { toHatdError } from "./status.js";
import {
  type AddUserHatRequestSchema,
  type AddUserHatResponse,
  type DefineHatRequestSchema,
  type DefineHatResponse,
  type DestroyHatRequestSchema,
  type DestroyHatResponse,
  type GetUserHatsRequestSchema,
  type GetUserHatsResponse,
  HatService,
  type ListHatDefinitionsRequestSchema,
  type ListHatDefinitionsResponse,
  type ListRoomHatsRequestSchema,
  type ListRoomHatsResponse,
  type ListUserHatsRequestSchema,
  type ListUserHatsResponse,
  type RemoveUserHatRequestSchema,
  type RemoveUserHatResponse,
  type SetHatWearersRequestSchema,
  type SetHatWearersResponse,
  type SetUserHatsRequestSchema,
  type SetUserHatsResponse,
  type UpdateRoomHatsRequestSchema,
  type UpdateRoomHatsResponse,
} from "./gen/hatd/v1/hat_service_pb.js";
import {
  type DeleteRoomRequestSchema,
  type DeleteRoomResponse,
  type ForgetUserRequestSchema,
  type ForgetUserResponse,
  type GetRoomRequestSchema,
  type GetRoomResponse,
  type ListAffiliationsRequestSchema,
  type ListAffiliationsResponse,
  type ListRoomsRequestSchema,
  type ListRoomsResponse,
  type PutRoomRequestSchema,
  type PutRoomResponse,
  RoomService,
  type SetAffiliationRequestSchema,
  type SetAffiliationResponse,
  type SyncRoomsRequestSchema,
  type SyncRoomsResponse,
  type UserAffiliation,
} from "./gen/hatd/v1/room_service_pb.js";
import type { HatDefinition, Room, UserHats } from "./gen/hatd/v1/types_pb.js";
import {
  type ClaimHatRequestSchema,
  type ClaimHatResponse,
  type DiscardHatRequestSchema,
  type DiscardHatResponse,
  type DoffHatRequestSchema,
  type DoffHatResponse,
  WardrobeService,
  type WearHatRequestSchema,
  type WearHatResponse,
} from "./gen/hatd/v1/wardrobe_service_pb.js";
import { Mirror, type MirrorOptions } from "./mirror.js";
import { Scope, sleep, unlessAborted } from "./scope.js";
import type { WatchOptions } from "./events.js";
import { type Dialer, Watch } from "./watch.js";

/** How long a read may take, retries included, unless said otherwise. */
const READ_TIMEOUT_MS = 5_000;
/**
 * How long a write may take, retries included, unless said otherwise: long enough for a server that
 * is being replaced.
 */
const WRITE_TIMEOUT_MS = 30_000;
/** The longest deadline that gRPC can say in milliseconds: it has 8 digits. */
const DEADLINE_MAX_MS = 99_999_999;

/** The first delay between two attempts of one call is at most this. */
const RETRY_BASE_MS = 50;
/** No delay between two attempts of one call is longer, unless the server asks for it. */
const RETRY_MAX_MS = 2_000;

/** Items asked for a page, unless the request says how many: the server's most. */
const PAGE_SIZE = 1_000;

/** What every way to connect takes. */
export interface ClientOptions {
  /**
   * The API key, sent with every call as `authorization: Bearer …`; or a function that gives the
   * current one. It is called when a key is first needed, and once more when the server refuses
   * that key: then the call, or the watch, is tried again.
   */
  readonly apiKey?: ApiKey | undefined;
  /** How long a read may take, retries included, in milliseconds. Default: 5,000. */
  readonly readTimeoutMs?: number | undefined;
  /**
   * How long a write may take, retries included, in milliseconds. Default: 30,000, long enough for
   * a hatd that is being replaced.
   */
  readonly writeTimeoutMs?: number | undefined;
}

/** What a client is made of by an entry point of this package. */
export interface Connection {
  /** What sends the calls. It must retry nothing, and set no deadline of its own. */
  readonly transport: Transport;
  /** Headers of every call. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Has the next call use another connection: this one may be dead. */
  readonly renew?: () => void;
  /** Closes the connection. */
  readonly disconnect?: () => void;
}

/** How one call is made. */
export interface CallOptions {
  /** Ends the call with the code CANCELLED when it is aborted. A write may be done all the same. */
  readonly signal?: AbortSignal | undefined;
  /** How long the call may take, retries included, in milliseconds. Default: the client's. */
  readonly timeoutMs?: number | undefined;
}

/** How a user is given a hat. */
export interface GiveHatOptions extends CallOptions {
  /** What is displayed for this user. Default: the title of the definition, else the hat id. */
  readonly title?: string;
  /** Whether its user can neither doff nor discard the hat. Default: false. */
  readonly required?: boolean;
  /** When the hat ends. Default: never. */
  readonly expireTime?: Date;
}

/** A request as it is given: a message, or an object with the fields that are set. */
type Init<Schema extends DescMessage> = MessageInitShape<Schema>;

/**
 * A connection to hatd.
 *
 * It has a method for each RPC, which takes the request of the contract, or an object with the
 * fields that are set, and returns its response. Nothing is sent before the first call, and a
 * connection that breaks is made anew by the next one.
 *
 * Calls are tried again while the server is UNAVAILABLE, until their deadline. A write whose
 * `requestId` is empty gets one, so that it is done once however often it is tried. All methods
 * throw {@link HatdError}: the class of the reason that the server gave, or the class itself, with
 * the code UNAVAILABLE if the server could not be reached or the connection broke,
 * DEADLINE_EXCEEDED if no answer came in time, and CANCELLED; {@link Closed} once the client is
 * closed.
 */
export class Client {
  readonly #connection: Connection;
  readonly #credentials: Credentials | undefined;
  readonly #readTimeoutMs: number;
  readonly #writeTimeoutMs: number;
  readonly #calls = new Scope();
  readonly #watches = new Set<Watch>();
  readonly #mirrors = new Set<Mirror>();
  #closed = false;

  /** Makes a client over a transport of Connect. `connect` makes the transport, too. */
  constructor(connection: Connection, options: ClientOptions = {}) {
    this.#connection = connection;
    this.#credentials = options.apiKey === undefined ? undefined : new Credentials(options.apiKey);
    this.#readTimeoutMs = options.readTimeoutMs ?? READ_TIMEOUT_MS;
    this.#writeTimeoutMs = options.writeTimeoutMs ?? WRITE_TIMEOUT_MS;
  }

  // HatService

  /** Puts a hat into a user's wardrobe, or replaces how the user has it. */
  addUserHat(
    request: Init<typeof AddUserHatRequestSchema>,
    options?: CallOptions,
  ): Promise<AddUserHatResponse> {
    return this.#write(HatService.method.addUserHat, request, options);
  }

  /**
   * Puts a hat on a user: adds it with `active` set, where {@link addUserHat} adds it unworn unless
   * told otherwise.
   */
  giveHat(
    roomJid: string,
    userJid: string,
    hatId: string,
    options: GiveHatOptions = {},
  ): Promise<AddUserHatResponse> {
    const { title = "", required = false, expireTime } = options;
    const attachment = {
      active: true,
      title,
      required,
      ...(expireTime && { expireTime: timestampFromDate(expireTime) }),
    };
    return this.addUserHat({ roomJid, userJid, hatId, attachment }, options);
  }

  /** Takes a hat out of a user's wardrobe. */
  removeUserHat(
    request: Init<typeof RemoveUserHatRequestSchema>,
    options?: CallOptions,
  ): Promise<RemoveUserHatResponse> {
    return this.#write(HatService.method.removeUserHat, request, options);
  }

  /** Makes the listed hats exactly the user's, or exactly those of the user's with a prefix. */
  setUserHats(
    request: Init<typeof SetUserHatsRequestSchema>,
    options?: CallOptions,
  ): Promise<SetUserHatsResponse> {
    return this.#write(HatService.method.setUserHats, request, options);
  }

  /** Makes the listed users exactly those who have the hat in the room. */
  setHatWearers(
    request: Init<typeof SetHatWearersRequestSchema>,
    options?: CallOptions,
  ): Promise<SetHatWearersResponse> {
    return this.#write(HatService.method.setHatWearers, request, options);
  }

  /** Does up to 500 operations on one room in one commit, all or nothing. */
  updateRoomHats(
    request: Init<typeof UpdateRoomHatsRequestSchema>,
    options?: CallOptions,
  ): Promise<UpdateRoomHatsResponse> {
    return this.#write(HatService.method.updateRoomHats, request, options);
  }

  /** Reads one user's document in one room. */
  getUserHats(
    request: Init<typeof GetUserHatsRequestSchema>,
    options?: CallOptions,
  ): Promise<GetUserHatsResponse> {
    return this.#read(HatService.method.getUserHats, request, options);
  }

  /** Lists a page of the documents of a room that have hats, by user JID. */
  listRoomHats(
    request: Init<typeof ListRoomHatsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListRoomHatsResponse> {
    return this.#read(HatService.method.listRoomHats, request, options);
  }

  /** Lists a page of a user's documents that have hats, by room. */
  listUserHats(
    request: Init<typeof ListUserHatsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListUserHatsResponse> {
    return this.#read(HatService.method.listUserHats, request, options);
  }

  /** Creates or replaces a definition in a room's catalogue. */
  defineHat(
    request: Init<typeof DefineHatRequestSchema>,
    options?: CallOptions,
  ): Promise<DefineHatResponse> {
    return this.#write(HatService.method.defineHat, request, options);
  }

  /** Takes a hat off everybody in a room and out of its catalogue. */
  destroyHat(
    request: Init<typeof DestroyHatRequestSchema>,
    options?: CallOptions,
  ): Promise<DestroyHatResponse> {
    return this.#write(HatService.method.destroyHat, request, options);
  }

  /** Lists a page of a room's catalogue, by hat id. */
  listHatDefinitions(
    request: Init<typeof ListHatDefinitionsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListHatDefinitionsResponse> {
    return this.#read(HatService.method.listHatDefinitions, request, options);
  }

  // RoomService

  /** Creates a room, or changes its settings. */
  putRoom(
    request: Init<typeof PutRoomRequestSchema>,
    options?: CallOptions,
  ): Promise<PutRoomResponse> {
    return this.#write(RoomService.method.putRoom, request, options);
  }

  /** Reads a room. */
  getRoom(
    request: Init<typeof GetRoomRequestSchema>,
    options?: CallOptions,
  ): Promise<GetRoomResponse> {
    return this.#read(RoomService.method.getRoom, request, options);
  }

  /** Lists a page of the rooms, by domain and then local part. */
  listRooms(
    request: Init<typeof ListRoomsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListRoomsResponse> {
    return this.#read(RoomService.method.listRooms, request, options);
  }

  /** Deletes a room, its catalogue and all its documents, in one commit. */
  deleteRoom(
    request: Init<typeof DeleteRoomRequestSchema>,
    options?: CallOptions,
  ): Promise<DeleteRoomResponse> {
    return this.#write(RoomService.method.deleteRoom, request, options);
  }

  /** Sets what a user is to a room. */
  setAffiliation(
    request: Init<typeof SetAffiliationRequestSchema>,
    options?: CallOptions,
  ): Promise<SetAffiliationResponse> {
    return this.#write(RoomService.method.setAffiliation, request, options);
  }

  /** Lists a page of the affiliations of a room other than NONE, by user JID. */
  listAffiliations(
    request: Init<typeof ListAffiliationsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListAffiliationsResponse> {
    return this.#read(RoomService.method.listAffiliations, request, options);
  }

  /** Brings rooms and their affiliations up to date in bulk. */
  syncRooms(
    request: Init<typeof SyncRoomsRequestSchema>,
    options?: CallOptions,
  ): Promise<SyncRoomsResponse> {
    return this.#write(RoomService.method.syncRooms, request, options);
  }

  /** Removes a user from every room, before the JID is given to anyone else. */
  forgetUser(
    request: Init<typeof ForgetUserRequestSchema>,
    options?: CallOptions,
  ): Promise<ForgetUserResponse> {
    return this.#write(RoomService.method.forgetUser, request, options);
  }

  // WardrobeService

  /** Wears a hat that the user has. */
  wearHat(
    request: Init<typeof WearHatRequestSchema>,
    options?: CallOptions,
  ): Promise<WearHatResponse> {
    return this.#write(WardrobeService.method.wearHat, request, options);
  }

  /** Takes off a hat that the user has. Not if it is required. */
  doffHat(
    request: Init<typeof DoffHatRequestSchema>,
    options?: CallOptions,
  ): Promise<DoffHatResponse> {
    return this.#write(WardrobeService.method.doffHat, request, options);
  }

  /** Takes a hat whose definition is self-assignable, and wears it. */
  claimHat(
    request: Init<typeof ClaimHatRequestSchema>,
    options?: CallOptions,
  ): Promise<ClaimHatResponse> {
    return this.#write(WardrobeService.method.claimHat, request, options);
  }

  /** Gives up a hat that the user has. Not if it is required. */
  discardHat(
    request: Init<typeof DiscardHatRequestSchema>,
    options?: CallOptions,
  ): Promise<DiscardHatResponse> {
    return this.#write(WardrobeService.method.discardHat, request, options);
  }

  // Lists that follow `nextPageToken` to their end. A page is asked for when the one before it is
  // used up, with the options of the call for each. Pages need not be of one moment; none misses or
  // repeats an item that stayed.

  /** Lists all documents of a room that have hats, by user JID. A deadline is that of each page. */
  allRoomHats(
    request: Init<typeof ListRoomHatsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<UserHats, void, undefined> {
    return this.#all(HatService.method.listRoomHats, request, (page) => page.users, options);
  }

  /** Lists all documents of a user that have hats, by room. A deadline is that of each page. */
  allUserHats(
    request: Init<typeof ListUserHatsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<UserHats, void, undefined> {
    return this.#all(HatService.method.listUserHats, request, (page) => page.rooms, options);
  }

  /** Lists all of a room's catalogue, by hat id. A deadline is that of each page. */
  allHatDefinitions(
    request: Init<typeof ListHatDefinitionsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<HatDefinition, void, undefined> {
    const { listHatDefinitions } = HatService.method;
    return this.#all(listHatDefinitions, request, (page) => page.definitions, options);
  }

  /** Lists all rooms, by domain and then local part. A deadline is that of each page. */
  allRooms(
    request: Init<typeof ListRoomsRequestSchema> = {},
    options?: CallOptions,
  ): AsyncGenerator<Room, void, undefined> {
    return this.#all(RoomService.method.listRooms, request, (page) => page.rooms, options);
  }

  /**
   * Lists all affiliations of a room other than NONE, by user JID. A deadline is that of each page.
   */
  allAffiliations(
    request: Init<typeof ListAffiliationsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<UserAffiliation, void, undefined> {
    const { listAffiliations } = RoomService.method;
    return this.#all(listAffiliations, request, (page) => page.affiliations, options);
  }

  // Watches

  /**
   * Watches hats: the state of what `options` select, then every change to it.
   *
   * Nothing is sent until the first event is asked for.
   */
  watch(options: WatchOptions = {}): Watch {
    const watch = new Watch(this.#dialer(), options, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    if (this.#closed) {
      void watch.close();
    }
    return watch;
  }

  /** Keeps the state of what `options` select in memory, and current, from now on. */
  mirror(options: MirrorOptions = {}): Mirror {
    const mirror = new Mirror(
      (watchOptions) => this.watch(watchOptions),
      options,
      () => this.#mirrors.delete(mirror),
    );
    this.#mirrors.add(mirror);
    return mirror;
  }

  /**
   * Ends all that is pending with {@link Closed}, closes all watches and mirrors, then the
   * connection. Closing again does no harm.
   */
  async close(): Promise<void> {
    const closed = new Closed({ code: "CANCELLED", message: "the client is closed" });
    this.#closed = true;
    this.#calls.close(closed);
    await Promise.all([...this.#mirrors, ...this.#watches].map((open) => open.close()));
    this.#connection.disconnect?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Makes a call that reads. */
  #read<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const timeoutMs = options.timeoutMs ?? this.#readTimeoutMs;
    return this.#call(method, request, "", { ...options, timeoutMs });
  }

  /**
   * Makes a call that writes. Its request id is set before the first attempt, so that the attempts
   * are one write.
   */
  #write<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I> & { requestId?: string },
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    const requestId = request.requestId || uuid();
    const timeoutMs = options.timeoutMs ?? this.#writeTimeoutMs;
    return this.#call(method, { ...request, requestId }, requestId, { ...options, timeoutMs });
  }

  /** Makes a call, again and again while the server is unavailable and there is time. */
  #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    requestId: string,
    { signal, timeoutMs }: { signal?: AbortSignal | undefined; timeoutMs: number },
  ): Promise<MessageShape<O>> {
    const message = create(method.input, request);
    const deadline = performance.now() + timeoutMs;
    const backoff = new Backoff(RETRY_BASE_MS, RETRY_MAX_MS);
    const { transport } = this.#connection;

    const attempts = async (signal: AbortSignal) => {
      let last: HatdError | undefined;
      let refused = false;
      let delayMs = 0;
      for (;;) {
        let key: string | undefined;
        let error: HatdError;
        try {
          await sleep(delayMs, signal);
          key = this.#credentials && (await unlessAborted(this.#credentials.get(), signal));
          const remainingMs = Math.max(Math.ceil(deadline - performance.now()), 1);
          const attemptMs = Math.min(remainingMs, DEADLINE_MAX_MS);
          const headers = this.#headers(key);
          return (await transport.unary(method, signal, attemptMs, headers, message)).message;
        } catch (thrown) {
          error = signal.aborted ? (signal.reason as HatdError) : toHatdError(thrown, requestId);
        }
        if (error.code === "DEADLINE_EXCEEDED") {
          error.cause = last ?? error.cause;
        }
        if (!signal.aborted && error.code === "UNAUTHENTICATED" && !refused && this.#refuse(key)) {
          refused = true;
          delayMs = 0;
          continue;
        }
        if (signal.aborted || error.code !== "UNAVAILABLE") {
          throw error;
        }

        delayMs = backoff.next(error.retryDelayMs);
        // A wait past the deadline helps nobody: what happened says more than a late timeout.
        if (performance.now() + delayMs >= deadline) {
          throw error;
        }
        last = error;
      }
    };
    return this.#calls.run({ signal, timeoutMs }, attempts, requestId);
  }

  /** Lists the items of all pages. */
  async *#all<I extends DescMessage, Page extends Message & { nextPageToken: string }, Item>(
    method: DescMethodUnary<I, GenMessage<Page>>,
    request: MessageInitShape<I> & { pageSize?: number; pageToken?: string },
    items: (page: Page) => Item[],
    options: CallOptions | undefined,
  ): AsyncGenerator<Item, void, undefined> {
    const pageSize = request.pageSize || PAGE_SIZE;
    let pageToken = request.pageToken ?? "";
    do {
      const page = await this.#read(method, { ...request, pageSize, pageToken }, options);
      yield* items(page);
      pageToken = page.nextPageToken;
    } while (pageToken);
  }

  /** Returns what opens the streams of one watch. */
  #dialer(): Dialer {
    const { transport } = this.#connection;
    let key: string | undefined;
    return {
      open: async (request, signal) => {
        key = await this.#credentials?.get();
        const requests = createAsyncIterable([request]);
        // 0: a watch has no deadline.
        const { watchHats } = HatService.method;
        const headers = this.#headers(key);
        const response = await transport.stream(watchHats, signal, 0, headers, requests);
        return response.message;
      },
      renew: () => this.#connection.renew?.(),
      refuse: () => this.#refuse(key),
    };
  }

  #headers(key: string | undefined): Record<string, string> {
    const { headers } = this.#connection;
    return key === undefined ? { ...headers } : { ...headers, authorization: `Bearer ${key}` };
  }

  /** Whether another API key than the one that the server refused can be asked for. */
  #refuse(key: string | undefined): boolean {
    return key !== undefined && this.#credentials !== undefined && this.#credentials.refuse(key);
  }
}

/**
 * Returns a random UUID (version 4). `crypto.randomUUID` is missing in pages that came by plain
 * HTTP.
 */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte, index) => {
    const value = index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, "0");
  }).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
