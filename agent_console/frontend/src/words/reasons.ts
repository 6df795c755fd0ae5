/** The server's reasons, which are English and static, in words. One that is not known here is not shown. */

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/switched off/, "语音识别已关闭"],
  [/engine is starting|not started/, "识别引擎正在启动"],
  [/of the speech model: (\d+) %/, "正在准备语音模型 $1%"],
  [/^stopped/, "识别引擎已停止"],
  [/session failed/, "本次通话的识别中断"],
  [/audio was lost/, "本机处理不及，部分语音未识别"],
  [/text is late/, "识别引擎繁忙，文字延后"],
  [/talking but no text/, "有人说话但没有文字"],
  [/no sound from the switch/, "未收到通话声音"],
  [/model/, "没有可用的语音模型"],
  [/closed by the switch|stopping/, "对方关闭了连接"],
  [/refused/i, "对方拒绝连接"],
  [/timeout|timed out/i, "等待应答超时"],
];

export function reasonInWords(reason: string): string {
  for (const [shape, text] of KNOWN) {
    const found = shape.exec(reason);
    if (found !== null) return text.replace("$1", found[1] ?? "");
  }
  return "";
}
