/** One question at a time: sure, and where it is wanted, why. */
import { defineStore } from "pinia";
import { shallowRef } from "vue";

export interface Question {
  title: string;
  body: string;
  confirm: string;
  /** Asked for a reason, with these to choose from. */
  reasons?: readonly string[];
}

interface Open extends Question {
  answer: (reason: string | null) => void;
}

export const useAsking = defineStore("asking", () => {
  const open = shallowRef<Open | null>(null);

  /** The reason ("" where none is wanted), or null when it was called off. */
  function ask(question: Question): Promise<string | null> {
    open.value?.answer(null);
    return new Promise((answer) => {
      open.value = {
        ...question,
        answer: (reason) => {
          open.value = null;
          answer(reason);
        },
      };
    });
  }

  return { open, ask };
});
