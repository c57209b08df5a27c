/** A server that answers as a test tells it to, and what the tests say in its words. */
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "../src/gen/google/rpc/error_details_pb.js";
import {
  GoAwayReason,
  ResetReason,
  type WatchHatsResponse,
  WatchHatsResponseSchema,
} from "../src/gen/hatd/v1/hat_service_pb.js";

export interface FakeHatd extends AsyncDisposable {
  /** Where it listens. */
  readonly target: string;
  /** The connections to it, to break. */
  readonly sessions: Set<http2.ServerHttp2Session>;
  close(): Promise<void>;
}

/**
 * Serves `routes` over HTTP/2 on this host: on a free port unless one is given, and over TLS if
 * there is a certificate.
 */
export async function serve(
  routes: (router: ConnectRouter) => unknown,
  { port = 0, tls }: { port?: number; tls?: http2.SecureServerOptions } = {},
): Promise<FakeHatd> {
  const handler = connectNodeAdapter({ routes: (router) => void routes(router) });
  const server = tls ? http2.createSecureServer(tls, handler) : http2.createServer(handler);
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address() as AddressInfo;
  const close = async () => {
    for (const session of sessions) {
      session.destroy();
    }
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    target: `${tls ? "https" : "http"}://127.0.0.1:${String(address.port)}`,
    sessions,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A refusal as hatd words it, and as a transport throws it: with the status that came. */
export function refusal(
  code: Code,
  reason: string,
  more: {
    domain?: string;
    metadata?: Record<string, string>;
    field?: string;
    retryDelay?: { seconds?: bigint; nanos?: number };
  } = {},
): ConnectError {
  const { domain = "hatd.v1", metadata = {}, field, retryDelay } = more;
  return new ConnectError("no", code, { "grpc-status": String(code) }, [
    { desc: ErrorInfoSchema, value: { reason, domain, metadata } },
    { desc: ResourceInfoSchema, value: { resourceType: "room", resourceName: "den" } },
    ...(field
      ? [
          {
            desc: BadRequestSchema,
            value: { fieldViolations: [{ field, description: "is wrong" }] },
          },
        ]
      : []),
    ...(retryDelay ? [{ desc: RetryInfoSchema, value: { retryDelay } }] : []),
  ]);
}

/** A response of a watch. */
export function response(
  after: string,
  token: string,
  event: MessageInitShape<typeof WatchHatsResponseSchema>["event"] & object,
): WatchHatsResponse {
  return create(WatchHatsResponseSchema, { after, token, event });
}

export const reset = (after = "") =>
  response(after, "", { case: "reset", value: { reason: ResetReason.INITIAL } });

export const page = (
  token: string,
  value: Extract<Parameters<typeof response>[2], { case: "snapshot" }>["value"] = {},
) => response("", token, { case: "snapshot", value: { complete: token !== "", ...value } });

export const bookmark = (after: string, token: string) =>
  response(after, token, { case: "bookmark", value: {} });

export const changes = (
  after: string,
  token: string,
  ...commits: Extract<Parameters<typeof response>[2], { case: "changes" }>["value"]["commits"] &
    object
) => response(after, token, { case: "changes", value: { commits } });

export const goAway = (after: string, token: string, seconds = 0n) =>
  response(after, token, {
    case: "goAway",
    value: { reason: GoAwayReason.SHUTDOWN, retryAfter: { seconds } },
  });
