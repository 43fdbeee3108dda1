import { useMutation } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, Redirect, useLocation } from "wouter";
import { api, bodyOf, type Schemas } from "../api/client";
import { Card, CardWrong } from "../shell/Card";
import { begin, session } from "../shell/session";
import { RETURN, safePlace } from "../shell/signInAddress";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { account } from "../texts/en.account";
import { wrongAtProvider } from "./problems";
import { answerIn, isDenied, type ProviderAnswer, takeWanted } from "./providerAnswer";

const texts = account.provider;

/** Where the provider sends people back to: they are signed in, or read why not. */
export default function ComeBack() {
  const name = useStore(session)?.provider ?? texts.some;
  const [answer, setAnswer] = useState<ProviderAnswer | null>(() => answerIn(location.search) ?? null);
  const [, navigate] = useLocation();
  const { mutate, error } = useMutation({
    mutationFn: async (body: Schemas["ProviderAnswer"]) =>
      bodyOf(await api.POST("/api/sessions/oidc/return", { body })),
    onSuccess: (begun) => {
      navigate(safePlace(takeWanted()), { replace: true });
      begin(begun);
    },
  });
  useEffect(() => {
    document.title = en.title(account.signIn.title);
    const told = answerIn(location.search);
    if (!told) return;
    history.replaceState(history.state, "", RETURN); // a code counts once, and is nobody's to read
    setAnswer(told);
    if ("code" in told) mutate(told);
  }, [mutate]);
  if (!answer) return <Redirect to="/sign-in" replace />;
  const wrong = "error" in answer ? wrongOf(answer.error, name) : error && wrongAtProvider(error);
  if (wrong) return <NotSignedIn why={wrong} />;
  return (
    <Card title={texts.go(name)}>
      <p role="status">{texts.working}</p>
    </Card>
  );
}

function wrongOf(error: string, name: string): string {
  return isDenied(error) ? texts.denied(name) : texts.refused(name, error);
}

function NotSignedIn({ why }: { why: string }) {
  return (
    <Card title={texts.failed}>
      <CardWrong>{why}</CardWrong>
      <p>
        <Link href="/sign-in" replace>
          {texts.again}
        </Link>
      </p>
    </Card>
  );
}
