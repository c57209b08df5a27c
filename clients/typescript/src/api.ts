/** What both entry points offer. */
export type { Change, Changes } from "./changes.js";
export {
  type CallOptions,
  Client,
  type ClientOptions,
  type Connection,
  type GiveHatOptions,
} from "./client.js";
export type { ApiKey } from "./credentials.js";
export type { DisplayedHat } from "./display.js";
export * from "./errors.js";
export {
  Disconnect,
  type Lifecycle,
  type Selector,
  type WatchCounters,
  type WatchEvent,
  type WatchOptions,
} from "./events.js";
export * from "./gen/hatd/v1/errors_pb.js";
export * from "./gen/hatd/v1/hat_service_pb.js";
export * from "./gen/hatd/v1/room_service_pb.js";
export * from "./gen/hatd/v1/types_pb.js";
export * from "./gen/hatd/v1/wardrobe_service_pb.js";
export type { Answer, Mirror, MirrorOptions } from "./mirror.js";
export type { Limits } from "./scope.js";
export { VERSION } from "./version.js";
export type { Watch } from "./watch.js";
