import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

test("the code in the README compiles", () => {
  const readme = readFileSync(`${PACKAGE}README.md`, "utf8");
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
  assert.ok(blocks.length > 5);
  // Beside this package's own files, so that `hatd` is this package.
  const sources = new Map(
    blocks.map((code, index) => [`${PACKAGE}test/readme-${String(index)}.ts`, code]),
  );

  const read: { config?: unknown } = ts.readConfigFile(`${PACKAGE}tsconfig.json`, (path) =>
    ts.sys.readFile(path),
  );
  const parsed = ts.parseJsonConfigFileContent(read.config, ts.sys, dirname(PACKAGE));
  // What a snippet shows, it need not use.
  const options = { ...parsed.options, noUnusedLocals: false, noEmit: true };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => sources.has(path) || disk.fileExists(path),
    readFile: (path) => sources.get(path) ?? disk.readFile(path),
    getSourceFile: (path, language) => {
      const code = sources.get(path);
      return code === undefined
        ? disk.getSourceFile(path, language)
        : ts.createSourceFile(path, code, language);
    },
  };
  const program = ts.createProgram([...sources.keys()], options, host);

  const findings = ts.getPreEmitDiagnostics(program).map((finding) => {
    const text = ts.flattenDiagnosticMessageText(finding.messageText, "\n");
    return `${finding.file?.fileName ?? ""}: ${text}`;
  });
  assert.deepEqual(findings, []);
});
