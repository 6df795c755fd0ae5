import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const HANZI = /\p{Script=Han}|[\u3000-\u303f\uff01-\uff5e]/u;

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === "words" ? [] : sources(path);
    return /\.(vue|ts|css)$/.test(entry.name) && !entry.name.endsWith(".test.ts") ? [path] : [];
  });
}

describe("visible words", () => {
  it("live in words/ only", () => {
    const found = sources(ROOT).flatMap((path) =>
      readFileSync(path, "utf8")
        .split("\n")
        .flatMap((line, index) => (HANZI.test(line) ? [`${relative(ROOT, path)}:${index + 1}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it("are found by this test's own expression", () => {
    expect(HANZI.test("签入")).toBe(true);
    expect(HANZI.test("，")).toBe(true);
    expect(HANZI.test("sign in")).toBe(false);
  });
});
