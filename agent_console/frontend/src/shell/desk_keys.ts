/** What each key does at the operator desk. */
import { useDesk } from "../stores/desk";
import { useTicket } from "../stores/ticket";
import type { KeyAction } from "../keys";

/** The closing panel decides what "submit" means just now; it registers itself while it is on screen. */
let submit: (() => void) | null = null;

export function onSubmitKey(act: (() => void) | null): void {
  submit = act;
}

export function runDeskKey(action: KeyAction): void {
  const desk = useDesk();
  const ticket = useTicket();
  switch (action) {
    case "answer":
      desk.answer();
      break;
    case "hangUp":
      void desk.hangUp();
      break;
    case "hold":
      desk.toggleHold();
      break;
    case "mute":
      desk.toggleMute();
      break;
    case "submit":
      submit?.();
      break;
    case "save":
      void ticket.keeper?.save();
      break;
    case "acceptField":
      if (ticket.focused !== null) void ticket.decide(ticket.focused, "accept");
      break;
    case "acceptAll":
      void ticket.acceptAll();
      break;
    case "help":
      break;
  }
}
