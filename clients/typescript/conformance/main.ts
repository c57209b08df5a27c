/** The conformance adapter on Node.js: over gRPC, or with `node-web` over gRPC-Web. */
import { readFileSync } from "node:fs";
import { argv, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { connect } from "hatd";
import { Adapter } from "./adapter.js";

const protocol = argv[2] === "node-web" ? "grpc-web" : "grpc";
const adapter = new Adapter(
  (command) =>
    connect(command.target, {
      apiKey: command.api_key,
      plaintext: command.plaintext,
      readTimeoutMs: command.read_timeout_ms,
      writeTimeoutMs: command.write_timeout_ms,
      protocol,
      tls: command.ca_file ? { ca: readFileSync(command.ca_file, "utf8") } : undefined,
    }),
  (line) => stdout.write(`${line}\n`),
);

// Nothing ends the process but that nothing is left to do: what is not closed would keep it.
for await (const line of createInterface({ input: stdin })) {
  void adapter.handle(line);
}
await adapter.close();
