/** What people call the queues: the server says so at sign-in. One that nobody named is shown by its name. */
import { shallowRef } from "vue";

const known = shallowRef<Readonly<Record<string, string>>>({});

export const nameQueues = (names: Readonly<Record<string, string>>): void => {
  known.value = names;
};
export const allQueues = (): string[] => Object.keys(known.value);
export const queueName = (queue: string): string => known.value[queue] ?? queue;
