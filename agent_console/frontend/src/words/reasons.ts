/** The server's reasons, which are English and static, in words. One that is not known here is not shown; a test of the
 * server's sources finds every one that is missing. */
import table from "./reasons.json";

/** `inner`: the group that holds another reason, said after this one where it is known. */
const KNOWN = (table as { shape: string; text: string; inner?: number }[]).map((each) => ({ ...each, shape: new RegExp(each.shape, "i") }));

const BETWEEN = "; ";
/** One reason that holds the mark of several. */
const WHOLE = KNOWN.filter(({ shape }) => shape.source.includes(BETWEEN));
const JOINER = "：";
const ALSO = "；";

/** Several at once are given with semicolons between; of those the known ones are said. */
export const reasonInWords = (reason: string): string => {
  const parts = reason.split(BETWEEN).map((part) => one(part, KNOWN));
  return one(reason, WHOLE) || parts.filter((each) => each !== "").join(ALSO);
};

function one(reason: string, among: typeof KNOWN): string {
  for (const { shape, text, inner } of among) {
    const found = shape.exec(reason);
    if (found === null) continue;
    const outer = text.replace(/\$(\d)/g, (_, place: string) => found[Number(place)] ?? "");
    const because = inner === undefined ? "" : reasonInWords(found[inner] ?? "");
    return because === "" ? outer : outer + JOINER + because;
  }
  return "";
}
