import { localTimeText } from "../../platform/local-time.ts";
import { nameInSms, withoutLinks } from "../../platform/messages/name-in-message.ts";
import { type Address, maskAddress } from "../identifier.ts";

/** Messages to people about their access, without secrets. Only a new person is told where the console is; the others know. */
export interface Notice {
  readonly subject: string;
  readonly text: (reader: Reader) => string;
}

/** The reader of a notice: their address, and the zone in which they read times. */
interface Reader extends Address {
  readonly timeZone: string;
}

export function accessGiven(name: string, fintechName: string | null, publicUrl: string): Notice {
  return {
    subject: "You were given access to Fusion",
    text: (reader) =>
      `Hello ${nameFor(reader, name)}, you now have access to the Fusion Management Console${fintechName === null ? "" : ` for ${fintechName}`}. Log in with this ${kindOf(reader)} at ${publicUrl}/ and set your password then.`,
  };
}

export function adminAdded(added: Named, by: string, at: Date): Notice {
  return {
    subject: `${added.name} is an admin of Fusion now`,
    text: (reader) =>
      `${nameFor(reader, by)} made ${inFull(reader, added)} an admin in the Fusion Management Console on ${localTimeText(at, reader.timeZone)}. If you did not expect that, end the access under People and tell the Fusion team at once.`,
  };
}

/** Sent to the addresses that end with the access. */
export function accessEnded(at: Date): Notice {
  return {
    subject: "Your access to Fusion was ended",
    text: (reader) =>
      `Your access to the Fusion Management Console was ended on ${localTimeText(at, reader.timeZone)}, and so were all sessions. If it was not agreed with you, tell another admin or the Fusion team at once.`,
  };
}

export function adminEnded(ended: Named, by: string, at: Date): Notice {
  return {
    subject: `${ended.name} is no longer an admin of Fusion`,
    text: (reader) =>
      `${nameFor(reader, by)} ended the access of ${inFull(reader, ended)} to the Fusion Management Console on ${localTimeText(at, reader.timeZone)}. If you did not expect that, tell the Fusion team at once.`,
  };
}

/** At a first login there were no sessions to end. */
export function passwordChanged(at: Date, how: string, { first }: { readonly first: boolean }): Notice {
  return {
    subject: "Your Fusion password was set",
    text: (reader) =>
      `Your password for the Fusion Management Console was set on ${localTimeText(at, reader.timeZone)} (${how}). ${first ? "" : "All other sessions have ended. "}If it was not you, tell your admin or the Fusion team at once.`,
  };
}

export function newDevice(at: Date, ip: string): Notice {
  return {
    subject: "New login to Fusion",
    text: (reader) =>
      `Someone logged in to the Fusion Management Console as you on ${localTimeText(at, reader.timeZone)} from a browser not seen before (address ${ip}). If it was not you, tell your admin or the Fusion team at once.`,
  };
}

export function calendarMade(at: Date): Notice {
  return {
    subject: "A calendar may read when your Fusion tokens end",
    text: (reader) =>
      `Someone logged in to the Fusion Management Console as you made an address on ${localTimeText(at, reader.timeZone)} at which a calendar program reads when your tokens end. If it was not you, end it on your account page and tell your admin or the Fusion team at once.`,
  };
}

export function resetRequested(at: Date): Notice {
  return {
    subject: "A new Fusion password was asked for",
    text: (reader) =>
      `Someone who can read your messages asked for a new password for the Fusion Management Console on ${localTimeText(at, reader.timeZone)}. An admin or the Fusion team must approve it. If it was not you, tell them at once.`,
  };
}

/** Sent to the person, on the old address too; shows the new one only as far as its owner recognises it. */
export function identityChanged(to: Address, at: Date): Notice {
  return {
    subject: `Your ${kindOf(to)} for Fusion was changed`,
    text: (reader) =>
      `Your ${kindOf(to)} for the Fusion Management Console was changed to ${maskAddress(to)} on ${localTimeText(at, reader.timeZone)}. All sessions have ended; an earlier ${kindOf(to)} no longer works. If it was not agreed with you, tell your admin or the Fusion team at once.`,
  };
}

export function identityOfOtherChanged(person: Named, to: Address, at: Date): Notice {
  return {
    subject: `${person.name} has another ${kindOf(to)} for Fusion`,
    text: (reader) =>
      `The ${kindOf(to)} with which ${inFull(reader, person)} logs in to the Fusion Management Console was changed to ${maskAddress(to)} on ${localTimeText(at, reader.timeZone)}. If you did not expect that, end the access and tell the Fusion team at once.`,
  };
}

function kindOf({ channel }: Address): string {
  return channel === "sms" ? "phone number" : "email address";
}

/** The person meant, for readers who know many fintechs. */
interface Named {
  readonly name: string;
  readonly fintechName: string | null;
}

export function resetToApprove(person: Named): Notice {
  return {
    subject: "A new password waits for your approval",
    text: (reader) =>
      `${inFull(reader, person)} has forgotten the password for the Fusion Management Console. Make sure that it is really ${nameFor(reader, person.name)} who asks, then approve it in the console under People.`,
  };
}

export function lockedOut(): Notice {
  return {
    subject: "Too many wrong tries to log in to Fusion",
    text: () =>
      "There were a hundred wrong tries in a row to log in to the Fusion Management Console as you. Nobody got in. From new browsers you can log in again when an admin or the Fusion team has approved a new password, which they have been asked for; browsers that you logged in with before still work.",
  };
}

export function lockedOutToApprove(person: Named): Notice {
  return {
    subject: "A new password waits for your approval",
    text: (reader) =>
      `A hundred wrong tries in a row closed the Fusion Management Console to new browsers of ${inFull(reader, person)}. Ask ${nameFor(reader, person.name)} whether it was their own doing. When they want to log in from a new browser, make sure that it is really ${nameFor(reader, person.name)} who asks, then approve a new password in the console under People.`,
  };
}

function inFull(reader: Reader, { name, fintechName }: Named): string {
  const shown = nameFor(reader, name);
  return fintechName === null ? shown : `${shown} (${fintechName})`;
}

/** Whoever adds a person chooses the name, and the address to which the first notice goes: it must not be a message of their own. */
function nameFor({ channel }: Reader, name: string): string {
  return channel === "sms" ? nameInSms(name) : withoutLinks(name);
}

export function resetApproved(): Notice {
  return {
    subject: "Your new Fusion password was approved",
    text: () =>
      "You may set a new password for the Fusion Management Console: log in with a code within 24 hours and choose it. If you did not ask for this, tell your admin or the Fusion team at once.",
  };
}
