import { describe, expect, it } from "vitest";
import { csv } from "./csv";

describe("a table as a file", () => {
  it("begins with the mark that spreadsheets want and ends every line", () => {
    expect(csv(["a", "b"], [[1, null]])).toBe("\uFEFFa,b\r\n1,\r\n");
  });

  it("quotes what would break a row", () => {
    expect(csv([], [['say "x"', "one,two", "up\ndown"]])).toContain('"say ""x""","one,two","up\ndown"');
  });

  it("lets nothing that people typed be calculated", () => {
    for (const text of ["=1+1", "+cmd", "@x", "-2+3", "\t=1"]) expect(csv([], [[text]])).toContain(`'${text}`);
    expect(csv([], [[-5], ["-5.25"]])).toBe("\uFEFF\r\n-5\r\n-5.25\r\n");
  });
});
