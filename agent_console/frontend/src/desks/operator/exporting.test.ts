import { describe, expect, it } from "vitest";
import type { Listing } from "../../http/api";
import { everything, MOST_ROWS } from "./exporting";

const listOf = (total: number) => {
  const asked: number[] = [];
  const ask = async (listing: Listing) => {
    asked.push(listing.page);
    const from = (listing.page - 1) * listing.size;
    return { items: Array.from({ length: Math.max(0, Math.min(listing.size, total - from)) }, (_, i) => from + i), total, page: listing.page, size: listing.size };
  };
  return { ask, asked };
};

describe("all rows of a list", () => {
  it("are asked for page by page, each once", async () => {
    const { ask, asked } = listOf(205);
    const found = await everything(ask);
    expect(found.items).toEqual(Array.from({ length: 205 }, (_, i) => i));
    expect(asked).toEqual([1, 2, 3]);
  });

  it("of an empty list are none, after one question", async () => {
    const { ask, asked } = listOf(0);
    expect((await everything(ask)).items).toEqual([]);
    expect(asked).toEqual([1]);
  });

  it("end where nobody reads on, and say how many there are", async () => {
    const { ask } = listOf(MOST_ROWS + 500);
    const found = await everything(ask);
    expect([found.items.length, found.total]).toEqual([MOST_ROWS, MOST_ROWS + 500]);
  });
});
