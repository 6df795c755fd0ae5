/** Short notices at the top of the page, and an error in words. */
import { ElMessage } from "element-plus";
import { HttpError, Unreachable } from "./http/client";
import type { FieldName } from "./wire";
import { words } from "./words/zh-CN";

export const notice = {
  done: (text: string) => ElMessage({ message: text, type: "success", duration: 3000, grouping: true }),
  tell: (text: string) => ElMessage({ message: text, type: "info", duration: 4000, grouping: true }),
  warn: (text: string) => ElMessage({ message: text, type: "warning", duration: 5000, grouping: true }),
  fail: (text: string, error?: unknown) =>
    ElMessage({
      message: error === undefined ? text : `${text}${words.sep}${reasonOf(error)}`,
      type: "error",
      duration: 6000,
      grouping: true,
      showClose: true,
    }),
};

export function reasonOf(error: unknown): string {
  if (error instanceof Unreachable) return words.error.unreachable;
  if (error instanceof HttpError) {
    const name = words.field[error.body.field as FieldName] as string | undefined;
    if (name !== undefined) return words.error.field(name);
    return words.error.codes[error.body.error] ?? words.error.generic(error.body.error);
  }
  return words.error.generic(error instanceof Error ? error.name : "?");
}
