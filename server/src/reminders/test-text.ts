import type { DigestText } from "./templates.ts";

const saysSo = "This is a test that you asked for in the console. A reminder reads as follows.";

/**
 * Marks a digest as a test, in its subject and at the beginning of its text. A marked SMS no longer follows the reminders' own template.
 */
export function markedAsTest({ subject, text, html, ...rest }: DigestText): DigestText {
  return {
    ...rest,
    subject: `Test: ${subject}`,
    text: html === undefined ? `Test: ${text}` : `${saysSo}\n\n${text}`,
    ...(html === undefined
      ? {}
      : { html: html.replace(/(<body[^>]*>)/, `$1\n<p><strong>${saysSo}</strong></p>`) }),
    smsTemplate: "notice",
  };
}
