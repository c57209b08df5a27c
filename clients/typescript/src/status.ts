import type { Message } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import * as errors from "./errors.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";

/** The domain of hatd's `google.rpc.ErrorInfo`; reasons of another domain are not hatd's. */
const ERROR_DOMAIN = "hatd.v1";

/** The names of the gRPC codes other than OK, in the order of their numbers, which begin at 1. */
const CODES: readonly errors.Code[] = [
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** The class of each reason. */
const CLASS_OF_REASON = new Map<string, new (init: errors.HatdErrorInit) => errors.HatdError>([
  ["ROOM_NOT_FOUND", errors.RoomNotFound],
  ["USER_NOT_AFFILIATED", errors.UserNotAffiliated],
  ["HAT_NOT_DEFINED", errors.HatNotDefined],
  ["HAT_NOT_FOUND", errors.HatNotFound],
  ["INVALID_ROOM_JID", errors.InvalidRoomJid],
  ["INVALID_USER_JID", errors.InvalidUserJid],
  ["INVALID_HAT_ID", errors.InvalidHatId],
  ["INVALID_TITLE", errors.InvalidTitle],
  ["INVALID_FIELD", errors.InvalidField],
  ["INVALID_PAGE_TOKEN", errors.InvalidPageToken],
  ["INVALID_TOKEN", errors.InvalidToken],
  ["REQUEST_ID_REUSED", errors.RequestIdReused],
  ["HAT_REQUIRED", errors.HatRequired],
  ["HAT_NOT_SELF_ASSIGNABLE", errors.HatNotSelfAssignable],
  ["PRECONDITION_FAILED", errors.PreconditionFailed],
  ["SYNC_WOULD_REMOVE", errors.SyncWouldRemove],
  ["STORE_MISMATCH", errors.StoreMismatch],
  ["ETAG_MISMATCH", errors.EtagMismatch],
  ["RESUME_TOKEN_EXPIRED", errors.ResumeTokenExpired],
  ["TOO_MANY_HATS", errors.TooManyHats],
  ["TOO_MANY_DEFINITIONS", errors.TooManyDefinitions],
  ["TOO_MANY_WATCHES", errors.TooManyWatches],
  ["MESSAGE_TOO_LARGE", errors.MessageTooLarge],
  ["OVERLOADED", errors.Overloaded],
  ["DISK_FULL", errors.DiskFull],
  ["UNAUTHENTICATED", errors.Unauthenticated],
  ["SCOPE_DENIED", errors.ScopeDenied],
  ["SHUTTING_DOWN", errors.ShuttingDown],
  ["STORE_UNAVAILABLE", errors.StoreUnavailable],
  ["TOKEN_NOT_REACHED", errors.TokenNotReached],
  ["STORE_CORRUPT", errors.StoreCorrupt],
]);

/** Makes the error of whatever a transport threw. `requestId` is that of the write, if it was one. */
export function toHatdError(thrown: unknown, requestId = ""): errors.HatdError {
  if (thrown instanceof errors.HatdError) {
    return thrown;
  }
  const error = ConnectError.from(thrown);
  const info = detail(error, ErrorInfoSchema);
  const { reason, metadata } = info?.domain === ERROR_DOMAIN ? info : { reason: "", metadata: {} };
  const code = CODES[(cameFromServer(error) ? error.code : transportCode(error)) - 1] ?? "UNKNOWN";
  const resource = detail(error, ResourceInfoSchema);
  const Class = CLASS_OF_REASON.get(reason) ?? errors.HatdError;
  return new Class({
    code,
    message: error.rawMessage || causeCode(error) || code,
    reason,
    metadata,
    requestId,
    violations: (detail(error, BadRequestSchema)?.fieldViolations ?? []).map(
      ({ field, description }) => ({ field, description }),
    ),
    resource: resource && { type: resource.resourceType, name: resource.resourceName },
    retryDelayMs: positiveMs(detail(error, RetryInfoSchema)?.retryDelay),
    cause: error,
  });
}

/** Returns a duration in milliseconds, if it is one that can be waited for. */
export function positiveMs(duration: Duration | undefined): number | undefined {
  const ms = duration === undefined ? 0 : durationMs(duration);
  return ms > 0 ? ms : undefined;
}

function detail<T extends Message>(error: ConnectError, schema: GenMessage<T>): T | undefined {
  return error.findDetails(schema)[0];
}

/** Whether a server said it: then the error holds the headers or trailers of the response. */
function cameFromServer(error: ConnectError): boolean {
  return !error.metadata.keys().next().done;
}

/**
 * Returns the code of an error that the transport made.
 *
 * A connection that broke in whatever way is UNAVAILABLE, as gRPC has it; Connect has other codes
 * for many of the ways. A deadline, a request that cannot be encoded, and a response that is too
 * long or cannot be decoded are as they are.
 */
function transportCode(error: ConnectError): ConnectCode {
  switch (error.code) {
    case ConnectCode.DeadlineExceeded:
    case ConnectCode.ResourceExhausted:
      return error.code;
    case ConnectCode.Internal:
      return /^(?:parse|serialize) binary/.test(error.rawMessage)
        ? error.code
        : ConnectCode.Unavailable;
    default:
      return ConnectCode.Unavailable;
  }
}

/** Returns what the system calls the cause: Node.js has no message for a failed attempt on several addresses. */
function causeCode({ cause }: ConnectError): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}
