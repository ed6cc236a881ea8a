import type { CurrentSession } from "@fusion/contract/login.ts";
import { type MantineColorScheme, Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { BookOpen, ChevronDown, ExternalLink, LogOut, UserRound } from "lucide-react";
import { post, problemWords } from "../lib/api.ts";
import { leaveFor, paths, references } from "../lib/paths.ts";
import { tellOtherTabs } from "../lib/session.ts";
import classes from "./frame.module.css";

const schemes: readonly { scheme: MantineColorScheme; words: string }[] = [
  { scheme: "auto", words: "As the system" },
  { scheme: "light", words: "Light" },
  { scheme: "dark", words: "Dark" },
];

/** The person's menu: their account, the API reference, the look, and logging out. */
export function PersonMenu({ session }: { session: CurrentSession }) {
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const logOut = useLogOut();
  return (
    <div className={classes.personMenu}>
      <Menu position="bottom-end" width={220} withinPortal={false} onOpen={() => logOut.reset()}>
        <Menu.Target>
          <UnstyledButton className={classes.person}>
            <span className={classes.initials} aria-hidden>
              {initialsOf(session.user.name)}
            </span>
            <span className={classes.personName}>{session.user.name}</span>
            <ChevronDown size={16} aria-hidden />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<UserRound size={16} aria-hidden />}
            onClick={() => void navigate({ to: paths.account })}
          >
            Account
          </Menu.Item>
          <Menu.Item
            component="a"
            className={classes.menuLink}
            href={references.all}
            target="_blank"
            rel="noopener"
            leftSection={<BookOpen size={16} aria-hidden />}
            rightSection={<ExternalLink size={12} aria-label="(opens in a new tab)" />}
          >
            API reference
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label className={classes.menuLabel}>Look</Menu.Label>
          <Menu.RadioGroup
            value={colorScheme}
            onChange={(scheme) => setColorScheme(scheme as MantineColorScheme)}
          >
            {schemes.map(({ scheme, words }) => (
              <Menu.RadioItem key={scheme} value={scheme}>
                {words}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          <Menu.Divider />
          <Menu.Item leftSection={<LogOut size={16} aria-hidden />} onClick={() => logOut.mutate()}>
            Log out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {logOut.isError && (
        <p role="alert" className={classes.logOutProblem}>
          You are still logged in. {problemWords(logOut.error)}
        </p>
      )}
    </div>
  );
}

function useLogOut() {
  return useMutation({
    mutationFn: () => post("/logout", {}, null),
    onSuccess: () => {
      tellOtherTabs();
      leaveFor(paths.login);
    },
  });
}

/** "PS" of "Priya Sharma". */
function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}
