// Prints each change of an account as it happens, and goes on where it stopped after a break.
//
//   PORTAL_CLIENT_KEY=pak_… npm run follow -- https://portal.example.org
import { createClient } from "graphql-ws";
import { print } from "graphql";
import WebSocket from "ws";
import {
  AccountStatusChangedDocument,
  type AccountStatusChangedSubscription,
  type AccountStatusChangedSubscriptionVariables,
} from "./portal.ts";

const url = process.argv[2] ?? "http://127.0.0.1:8000";
let after: string | null = null;

const client = createClient({
  url: `${url.replace(/^http/, "ws")}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${process.env.PORTAL_CLIENT_KEY}` },
});

for (;;) {
  const variables: AccountStatusChangedSubscriptionVariables = { after };
  try {
    for await (const told of client.iterate<AccountStatusChangedSubscription>({
      query: print(AccountStatusChangedDocument),
      variables,
    })) {
      if (told.errors) throw new Error(told.errors.map((error) => error.message).join("; "));
      const change = told.data?.accountStatusChanged;
      if (!change) continue;
      console.log(change.at, change.account.id, change.status);
      after = change.cursor;
    }
  } catch (lost) {
    // An error, or the event with which the socket closed: its code and reason say why.
    const { code, reason, message } = lost as { code?: number; reason?: string; message?: string };
    console.error("The connection ended:", code ?? "", reason ?? message ?? "");
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}
