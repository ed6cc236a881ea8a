import "@fontsource-variable/hanken-grotesk/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./ui/mantine-styles.ts";
import "./ui/base.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createQueryClient } from "./app/query-client.ts";
import { createConsoleRouter } from "./app/router.tsx";
import { leaveFor, paths, safeReturnPath } from "./lib/paths.ts";
import { askSessionAgain, hearOtherTabs, sessionQuery } from "./lib/session.ts";
import { cssVariablesResolver, theme } from "./ui/theme.ts";
import { ToastProvider } from "./ui/toasts.tsx";

// The server's nonce allows the style elements that Mantine, and the scroll lock beneath its dialogs (get-nonce), write while running.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
if (nonce !== "") setNonce(nonce);

const queryClient = createQueryClient(() => {
  const { pathname, href } = router.state.location;
  // Where nobody was logged in, the router itself leads to the login page.
  if (pathname === paths.login || queryClient.getQueryData(sessionQuery.queryKey) === undefined) return;
  const search = { return: safeReturnPath(href), ended: "idle" as const };
  leaveFor(router.buildLocation({ to: paths.login, search }).href);
});
const router = createConsoleRouter(queryClient);
hearOtherTabs(() => {
  if (queryClient.getQueryData(sessionQuery.queryKey) !== undefined) void askSessionAgain(queryClient);
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={queryClient}>
        <ToastProvider>
          <RouterProvider router={router} />
        </ToastProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
