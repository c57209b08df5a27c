/**
 * hatd for Node.js: gRPC over HTTP/2, or gRPC-Web.
 *
 * @module
 */
import * as http from "node:http";
import * as https from "node:https";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { Client, type ClientOptions, type Connection } from "./client.js";
import { Http2Connection, type TlsOptions } from "./http2.js";
import { parseTarget } from "./target.js";
import { VERSION } from "./version.js";

export * from "./api.js";
export type { TlsOptions } from "./http2.js";

/** Longest response, in bytes: the limit of the contract. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** How to connect. */
export interface ConnectOptions extends ClientOptions {
  /** How TLS is done. A `host:port` with these is TLS, also on this host. */
  readonly tls?: TlsOptions | undefined;
  /** Allows plaintext, and the API key in it, to hosts other than this one. Default: false. */
  readonly plaintext?: boolean | undefined;
  /**
   * What is spoken: `grpc` (the default), over one HTTP/2 connection for all calls; or `grpc-web`,
   * over HTTP/1.1 with a connection for each call or stream at a time, for proxies in between that
   * know nothing else.
   */
  readonly protocol?: "grpc" | "grpc-web" | undefined;
  /** Names the program, in front of this package's own name and version. */
  readonly userAgent?: string | undefined;
}

/**
 * Returns a client of the hatd at `target`: `http://host:port` in plaintext, `https://host:port`
 * over TLS, or `host:port`, which is plaintext for this host and TLS for any other.
 *
 * Nothing is sent yet: the server may start later. The process can end while the client is idle;
 * a watch or a mirror keeps it until it is closed.
 *
 * @throws {@link InvalidTarget}: also for plaintext to another host, unless `plaintext` allows it.
 */
export function connect(target: string | URL, options: ConnectOptions = {}): Client {
  const { plaintext, tls, userAgent, protocol } = options;
  const baseUrl = parseTarget(String(target), { plaintext, tls: tls !== undefined });
  const agent = `hatd-typescript/${VERSION}`;
  const connection = protocol === "grpc-web" ? grpcWeb(baseUrl, tls) : grpc(baseUrl, tls);
  const headers = { "user-agent": userAgent ? `${userAgent} ${agent}` : agent };
  return new Client({ ...connection, headers }, options);
}

function grpc(baseUrl: string, tls: TlsOptions | undefined): Connection {
  const sessionManager = new Http2Connection(baseUrl, tls);
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: MESSAGE_BYTES_MAX,
    acceptCompression: [],
  });
  return {
    transport,
    renew: () => {
      sessionManager.renew();
    },
    disconnect: () => {
      sessionManager.abort();
    },
  };
}

function grpcWeb(baseUrl: string, tls: TlsOptions | undefined): Connection {
  const agent = baseUrl.startsWith("https:")
    ? new https.Agent({ keepAlive: true, ...tls })
    : new http.Agent({ keepAlive: true });
  const transport = createGrpcWebTransport({
    baseUrl,
    httpVersion: "1.1",
    nodeOptions: { agent },
    readMaxBytes: MESSAGE_BYTES_MAX,
    acceptCompression: [],
  });
  return {
    transport,
    // A stream has its connection to itself, which goes with it; those that wait for a next call
    // lead the same way.
    renew: () => {
      for (const socket of Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])) {
        socket.destroy();
      }
    },
    disconnect: () => {
      agent.destroy();
    },
  };
}
