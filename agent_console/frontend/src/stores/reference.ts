/** Categories, departments and the other lists, asked for once. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { api } from "../http/api";
import type { FieldName, FieldRule, FieldValue, Reference } from "../wire";
import { words } from "../words/zh-CN";

export interface CascadeOption extends Record<string, unknown> {
  value: string;
  label: string;
  children?: CascadeOption[];
}

export const useReference = defineStore("reference", () => {
  const reference = ref<Reference | null>(null);
  let asking: Promise<void> | null = null;

  async function ask(): Promise<void> {
    reference.value = await api.reference();
  }

  function load(): Promise<void> {
    if (reference.value !== null) return Promise.resolve();
    asking ??= ask().finally(() => (asking = null));
    return asking;
  }

  const categories = computed<CascadeOption[]>(() => {
    const groups = new Map<string, CascadeOption>();
    for (const { code, level1, level2 } of reference.value?.categories ?? []) {
      let group = groups.get(level1);
      if (group === undefined) groups.set(level1, (group = { value: level1, label: level1, children: [] }));
      group.children?.push({ value: code, label: level2 });
    }
    return [...groups.values()];
  });

  const categoryName = (code: string): string => {
    const found = reference.value?.categories.find((each) => each.code === code);
    return found === undefined ? code : `${found.level1}/${found.level2}`;
  };

  /** What is in a field, as a person reads it; "" of an empty one. */
  function textOf(name: FieldName, value: FieldValue): string {
    if (typeof value === "boolean") return value ? words.yes : words.no;
    return name === "category_code" && value !== null ? categoryName(value) : (value ?? "");
  }

  /** The server's rules for the fields of the form; none until they are known. */
  const rules = computed<readonly FieldRule[]>(() => reference.value?.fields ?? []);
  const longest = (name: FieldName): number | undefined => rules.value.find((rule) => rule.name === name)?.longest || undefined;

  const departments = computed(() => reference.value?.departments ?? []);

  return { reference, categories, departments, rules, longest, categoryName, textOf, load };
});
