/** States in words. One that this build does not know is shown as the server says it. */
import { words } from "../../words/zh-CN";

export const ticketState = (state: string): string => words.lists.ticketStatus[state] ?? state;
