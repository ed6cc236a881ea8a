import type { Message, Messenger } from "./message.ts";

/** One messenger for each channel, behind one face. */
export function createRoutedMessenger(byChannel: Readonly<Record<Message["channel"], Messenger>>): Messenger {
  return { send: (message) => byChannel[message.channel].send(message) };
}
