/** The part of the conformance adapter that runs in a browser: `browser.ts` hands it the lines. */
import { connect } from "hatd/web";
import { Adapter } from "./adapter.js";

declare global {
  /** Takes a line that the adapter replies. */
  function reply(line: string): void;
  /** Takes a line with a command. */
  function handle(line: string): void;
}

const adapter = new Adapter(
  (command) =>
    connect(command.target, {
      apiKey: command.api_key,
      plaintext: command.plaintext,
      readTimeoutMs: command.read_timeout_ms,
      writeTimeoutMs: command.write_timeout_ms,
    }),
  reply,
);

globalThis.handle = (line) => {
  void adapter.handle(line);
};
