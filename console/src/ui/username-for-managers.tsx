/** Password managers want the name beside the password; people entered it two steps ago. */
export function UsernameForManagers({ identifier }: { identifier: string }) {
  if (identifier === "") return null;
  return (
    <input type="text" autoComplete="username" value={identifier} readOnly hidden tabIndex={-1} aria-hidden />
  );
}
