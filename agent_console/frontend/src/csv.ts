/** Tables as files that a spreadsheet opens (pure, but for the download itself). */

export type Cell = string | number | null | undefined;

/** A cell that begins like a formula is text: what people typed is never calculated. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

function cell(value: Cell): string {
  const text = value === null || value === undefined ? "" : String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** With a byte order mark, without which spreadsheets read Chinese text wrongly. */
export const csv = (head: readonly Cell[], rows: readonly (readonly Cell[])[]): string =>
  `\uFEFF${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name.replaceAll(/[\\/:*?"<>|\s]+/g, "_")}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
