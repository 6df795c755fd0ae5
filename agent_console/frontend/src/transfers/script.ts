/** What the operator reads out to a centre, from what the ticket says so far (pure). */
import type { FieldName, FieldValue } from "../wire";

export interface Told {
  name: string;
  address: string;
  what: string;
  number: string;
}

const text = (value: FieldValue): string => (typeof value === "string" ? value.trim() : "");

/** `number` is what the person may see: a masked one says nothing to a centre, and is left out. */
export function told(field: (name: FieldName) => FieldValue, number: string): Told {
  const contact = text(field("contact_phone")) || number;
  return {
    name: field("anonymous") === true ? "" : text(field("caller_name")),
    address: [text(field("district")), text(field("address"))].reduce((all, part) => (part.startsWith(all) ? part : all + part), ""),
    what: text(field("title")) || text(field("description")),
    number: contact.includes("*") ? "" : contact,
  };
}
