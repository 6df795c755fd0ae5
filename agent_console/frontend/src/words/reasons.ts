/** The server's reasons, which are English and static, in words. One that is not known here is not shown; a test of the
 * server's sources finds every one that is missing. */
import table from "./reasons.json";

/** `inner`: the group that holds another reason, said after this one where it is known. */
const KNOWN = (table as { shape: string; text: string; inner?: number }[]).map((each) => ({ ...each, shape: new RegExp(each.shape, "i") }));

const JOINER = "：";
const ALSO = "；";

/** Several at once are given with semicolons between; of those the known ones are said. */
export const reasonInWords = (reason: string): string =>
  one(reason) || reason.split("; ").map(one).filter((each) => each !== "").join(ALSO);

function one(reason: string): string {
  for (const { shape, text, inner } of KNOWN) {
    const found = shape.exec(reason);
    if (found === null) continue;
    const outer = text.replace(/\$(\d)/g, (_, place: string) => found[Number(place)] ?? "");
    const because = inner === undefined ? "" : reasonInWords(found[inner] ?? "");
    return because === "" ? outer : outer + JOINER + because;
  }
  return "";
}
