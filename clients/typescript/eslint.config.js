import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(globalIgnores([".cache/", "build/", "dist/", "src/gen/"]), {
  files: ["**/*.ts"],
  extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
  languageOptions: { parserOptions: { projectService: true } },
  linterOptions: { reportUnusedDisableDirectives: "error" },
  rules: {
    "@typescript-eslint/consistent-type-imports": "error",
    // `||` also stands in for empty strings and zeros: in protobuf, those are what is not set.
    "@typescript-eslint/prefer-nullish-coalescing": "off",
    // A test is awaited by its runner.
    "@typescript-eslint/no-floating-promises": [
      "error",
      { allowForKnownSafeCalls: [{ from: "package", name: "test", package: "node:test" }] },
    ],
    // The access that TypeScript itself asks for: noPropertyAccessFromIndexSignature.
    "@typescript-eslint/dot-notation": "off",
  },
});
