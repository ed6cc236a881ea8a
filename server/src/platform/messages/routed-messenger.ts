import type { Message, Messenger } from "./message.ts";

/** One messenger in front of one for each channel. */
export function createRoutedMessenger(byChannel: Readonly<Record<Message["channel"], Messenger>>): Messenger {
  return { send: (message) => byChannel[message.channel].send(message) };
}
