/** The name of a gRPC code other than OK. */
export type Code =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** A field of the request that is wrong. */
export interface FieldViolation {
  /** The path of the field, such as `operations[3].add.hat_id`. */
  readonly field: string;
  /** What is wrong with it, for people. */
  readonly description: string;
}

/** What was not found. */
export interface Resource {
  /** What kind of thing it is. */
  readonly type: string;
  /** Its name. */
  readonly name: string;
}

/** What a {@link HatdError} is made of. */
export interface HatdErrorInit {
  readonly code: Code;
  readonly message: string;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly requestId?: string;
  readonly violations?: readonly FieldViolation[];
  readonly resource?: Resource | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * Why a call failed.
 *
 * Every reason that hatd gives has a class of its own, which extends this one: branch on that with
 * `instanceof`, or on {@link code} where any reason of that code will do. The message is for people
 * and may change.
 */
export class HatdError extends Error {
  override readonly name: string = "HatdError";
  /**
   * The gRPC code. What never reached the server has the code that gRPC gives it: UNAVAILABLE if
   * there is no connection or it broke, DEADLINE_EXCEEDED if no answer came in time, CANCELLED.
   *
   * After UNAVAILABLE and DEADLINE_EXCEEDED a write may have been done all the same: do it again
   * with the same request id.
   */
  readonly code: Code;
  /** The reason as it came, such as `ROOM_NOT_FOUND`. Empty: none was given. */
  readonly reason: string;
  /** What the reason is about; each class names its keys. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The request id of the write that failed. Empty: it was not a write. */
  readonly requestId: string;
  /** The fields of the request that are wrong. */
  readonly violations: readonly FieldViolation[];
  /** What was not found. */
  readonly resource: Resource | undefined;
  /** How long the server asks to wait before trying again, in milliseconds. */
  readonly retryDelayMs: number | undefined;

  constructor(init: HatdErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.reason = init.reason ?? "";
    this.metadata = init.metadata ?? {};
    this.requestId = init.requestId ?? "";
    this.violations = init.violations ?? [];
    this.resource = init.resource;
    this.retryDelayMs = init.retryDelayMs;
  }
}

/** CANCELLED: the client, the watch or the mirror was closed while this was pending. */
export class Closed extends HatdError {
  override readonly name = "Closed";
}

/** INVALID_ARGUMENT: `connect` was given a target that it cannot, or may not, connect to. */
export class InvalidTarget extends HatdError {
  override readonly name = "InvalidTarget";
}

/** NOT_FOUND: no such room. Metadata: `room_jid`. */
export class RoomNotFound extends HatdError {
  override readonly name = "RoomNotFound";
}

/**
 * NOT_FOUND: the user is an outcast or, in a room for the affiliated, has no affiliation and no hats
 * left. Metadata: `room_jid`, `user_jid`.
 */
export class UserNotAffiliated extends HatdError {
  override readonly name = "UserNotAffiliated";
}

/**
 * NOT_FOUND: the room's catalogue lacks the hat, and the call needs it there. Metadata: `room_jid`,
 * `hat_id`.
 */
export class HatNotDefined extends HatdError {
  override readonly name = "HatNotDefined";
}

/** NOT_FOUND: the user does not have the hat. Metadata: `room_jid`, `user_jid`, `hat_id`. */
export class HatNotFound extends HatdError {
  override readonly name = "HatNotFound";
}

/** INVALID_ARGUMENT: not the bare JID of a room. Metadata: `field`. */
export class InvalidRoomJid extends HatdError {
  override readonly name = "InvalidRoomJid";
}

/** INVALID_ARGUMENT: not the bare JID of a user. Metadata: `field`. */
export class InvalidUserJid extends HatdError {
  override readonly name = "InvalidUserJid";
}

/** INVALID_ARGUMENT: not an absolute URI, or too long. Metadata: `field`. */
export class InvalidHatId extends HatdError {
  override readonly name = "InvalidHatId";
}

/**
 * INVALID_ARGUMENT: a title is too long or has characters that cannot be displayed safely.
 * Metadata: `field`.
 */
export class InvalidTitle extends HatdError {
  override readonly name = "InvalidTitle";
}

/**
 * INVALID_ARGUMENT: another field is missing, out of range, or beyond a limit. Metadata: `field`.
 */
export class InvalidField extends HatdError {
  override readonly name = "InvalidField";
}

/** INVALID_ARGUMENT: not a page token of this list. Metadata: `field`. */
export class InvalidPageToken extends HatdError {
  override readonly name = "InvalidPageToken";
}

/**
 * INVALID_ARGUMENT: not a token, damaged, or of a watch with other selectors. Metadata: `field`.
 */
export class InvalidToken extends HatdError {
  override readonly name = "InvalidToken";
}

/**
 * INVALID_ARGUMENT: the request id was used for another request. Metadata: `field`, `request_id`.
 */
export class RequestIdReused extends HatdError {
  override readonly name = "RequestIdReused";
}

/**
 * FAILED_PRECONDITION: the hat is required: its user can neither doff nor discard it. Metadata:
 * `room_jid`, `user_jid`, `hat_id`.
 */
export class HatRequired extends HatdError {
  override readonly name = "HatRequired";
}

/**
 * FAILED_PRECONDITION: the hat's definition does not let users claim it. Metadata: `room_jid`,
 * `hat_id`.
 */
export class HatNotSelfAssignable extends HatdError {
  override readonly name = "HatNotSelfAssignable";
}

/**
 * FAILED_PRECONDITION: a precondition of UpdateRoomHats does not hold. Metadata:
 * `precondition_index`, `room_jid`, `user_jid`.
 */
export class PreconditionFailed extends HatdError {
  override readonly name = "PreconditionFailed";
}

/**
 * FAILED_PRECONDITION: the sync would remove more hats than it allows. Metadata: `removed_hats`,
 * `max_removed_hats`.
 */
export class SyncWouldRemove extends HatdError {
  override readonly name = "SyncWouldRemove";
}

/**
 * FAILED_PRECONDITION: the token is of another store, or of another history of this one. Metadata:
 * `field`.
 */
export class StoreMismatch extends HatdError {
  override readonly name = "StoreMismatch";
}

/**
 * ABORTED: the record has changed since the etag was read. Metadata: `etag`, the present one.
 */
export class EtagMismatch extends HatdError {
  override readonly name = "EtagMismatch";
}

/**
 * OUT_OF_RANGE: the position to resume from is no longer kept, and the watch asked to fail then. No
 * metadata.
 */
export class ResumeTokenExpired extends HatdError {
  override readonly name = "ResumeTokenExpired";
}

/**
 * RESOURCE_EXHAUSTED: the user would have too many hats in the room, or too many bytes of them.
 * Metadata: `room_jid`, `user_jid`, `limit`, `unit`.
 */
export class TooManyHats extends HatdError {
  override readonly name = "TooManyHats";
}

/**
 * RESOURCE_EXHAUSTED: the room would have too many definitions. Metadata: `room_jid`, `limit`.
 */
export class TooManyDefinitions extends HatdError {
  override readonly name = "TooManyDefinitions";
}

/** RESOURCE_EXHAUSTED: too many watches are open. Metadata: `limit`. */
export class TooManyWatches extends HatdError {
  override readonly name = "TooManyWatches";
}

/** RESOURCE_EXHAUSTED: the request is too large. Metadata: `limit`, in bytes. */
export class MessageTooLarge extends HatdError {
  override readonly name = "MessageTooLarge";
}

/** RESOURCE_EXHAUSTED: more calls are waiting than the server takes. No metadata. */
export class Overloaded extends HatdError {
  override readonly name = "Overloaded";
}

/** RESOURCE_EXHAUSTED: too little space on the disk to write. No metadata. */
export class DiskFull extends HatdError {
  override readonly name = "DiskFull";
}

/** UNAUTHENTICATED: no valid credential. No metadata. */
export class Unauthenticated extends HatdError {
  override readonly name = "Unauthenticated";
}

/** PERMISSION_DENIED: the caller may not do this. No metadata. */
export class ScopeDenied extends HatdError {
  override readonly name = "ScopeDenied";
}

/** UNAVAILABLE: the server is shutting down. No metadata. */
export class ShuttingDown extends HatdError {
  override readonly name = "ShuttingDown";
}

/** UNAVAILABLE: the store cannot be read, or takes no writes. No metadata. */
export class StoreUnavailable extends HatdError {
  override readonly name = "StoreUnavailable";
}

/** UNAVAILABLE: this server is still behind `at_least_token`. Metadata: `field`. */
export class TokenNotReached extends HatdError {
  override readonly name = "TokenNotReached";
}

/** DATA_LOSS: what is on the disk is damaged. No metadata. */
export class StoreCorrupt extends HatdError {
  override readonly name = "StoreCorrupt";
}
