import type { Message, Messenger } from "./message.ts";

/** A messenger that passes each message to the messenger of its channel. */
export function createRoutedMessenger(byChannel: Readonly<Record<Message["channel"], Messenger>>): Messenger {
  return { send: (message) => byChannel[message.channel].send(message) };
}
