/** A number as it may be shown: the first three and the last four digits. */
export function masked(number: string): string {
  if (number.length >= 8) return `${number.slice(0, 3)}****${number.slice(-4)}`;
  return number.length <= 1 ? number : number[0] + "*".repeat(number.length - 1);
}
