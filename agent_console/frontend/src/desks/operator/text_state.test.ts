import { afterEach, expect, it } from "vitest";
import { createApp, type App } from "vue";
import TextState from "./TextState.vue";

let shown: App | undefined;
afterEach(() => shown?.unmount());

function chips(complete: number | null, recording: string, over = true): string[] {
  const place = document.createElement("div");
  shown = createApp(TextState, { complete, recording, over });
  shown.mount(place);
  return [...place.querySelectorAll(".chip")].map((each) => each.textContent ?? "");
}

it("calls a text whole only where that is known", () => {
  expect(chips(1, "")).toEqual(["文字完整"]);
  expect(chips(null, "")).toEqual(["△ 文字是否完整未知"]);
  expect(chips(0, "pending")).toEqual(["△ 文字完整度 0%", "待从录音补写"]);
  expect(chips(0.999, "reread")).toEqual(["△ 文字完整度 99%", "已从录音补写"]);
});

it("says what the recording has come to", () => {
  const said = ["no_recording", "unreadable", "failed"].map((state) => chips(0.4, state)[1]);
  expect(said).toEqual(["没有录音，无法补写", "录音无法读取，未能补写", "补写未成功，将再试"]);
  expect(chips(1, "complete")).toEqual(["文字完整"]);
});

it("leaves a call alone that goes on and is heard", () => {
  expect(chips(1, "", false)).toEqual([]);
  expect(chips(null, "", false)).toEqual([]);
  expect(chips(0.7, "", false)).toEqual(["△ 文字完整度 70%"]);
});
