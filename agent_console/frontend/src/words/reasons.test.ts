import { expect, it } from "vitest";
import { reasonInWords } from "./reasons";

it("says known reasons in words, with their figures, and nothing for the others", () => {
  expect(reasonInWords("downloading of the speech model: 42 %")).toContain("42%");
  expect(reasonInWords("at its limit of 12 streams: the newest calls get their text from the recording")).toContain("12 路");
  expect(reasonInWords("speech recognition is switched off")).not.toBe("");
  expect(reasonInWords("something new")).toBe("");
  expect(reasonInWords("")).toBe("");
});

it("says a reason within a reason after it", () => {
  const timeout = reasonInWords("it does not answer in time");
  expect(reasonInWords("2 of 3 speech servers are away: it does not answer in time")).toBe(`3 台转写服务器中有 2 台不可用：${timeout}`);
  expect(reasonInWords("whisper stands in: no speech server answers: it does not answer in time")).toContain(timeout);
  expect(reasonInWords("no speech server answers: who knows")).toBe("转写服务器均无应答");
});

it("says several reasons one after the other", () => {
  expect(reasonInWords("slow; who knows; 12 records wait on this machine")).toBe("写入缓慢；12 条记录暂存本机");
  const refused = "3 records were refused: `hotline refused`";
  expect(reasonInWords(refused)).toBe("3 条记录未能入库，需管理员处理");
  expect(reasonInWords(`12 records wait on this machine; ${refused}`)).toBe("12 条记录暂存本机；3 条记录未能入库，需管理员处理");
});
