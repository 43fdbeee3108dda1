import { useMutation } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Link, useLocation } from "wouter";
import { ApiProblem, api, bodyOf, type Schemas } from "../api/client";
import { Button } from "../shell/Button";
import { Card, CardField, CardWrong } from "../shell/Card";
import { LINK, linkTo, tokenIn } from "../shell/linkAddress";
import { begin, session } from "../shell/session";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { account } from "../texts/en.account";
import { isShort, wrongField, wrongWhole } from "./problems";
import { useWait } from "./useWait";
import { Waiting } from "./Waiting";

const texts = account.link;
const FIELDS = ["/name", "/password"];

/** What a link leads to. One with its token in the path, as they were once, gets it behind the `#`. */
export default function TakeLink() {
  const token = useSyncExternalStore(onHash, () => tokenIn(location));
  const [path, navigate] = useLocation();
  const address = linkTo(token);
  useEffect(() => {
    if (path !== LINK) navigate(address, { replace: true });
  }, [path, address, navigate]);
  return <Take key={token} token={token} />;
}

function onHash(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** An account with its first team, or one more team for whoever is signed in. */
function Take({ token }: { token: string }) {
  const told = useStore(session);
  const [isAnother, setAnother] = useState(false);
  const { seconds, after } = useWait();
  const [, navigate] = useLocation();
  const take = useMutation({
    mutationFn: async (body: Schemas["LinkRequest"]) => bodyOf(await api.POST("/api/sessions/link", { body })),
    onSuccess: (begun) => {
      navigate("/", { replace: true }); // a link that is used leads nowhere
      begin(begun);
    },
    onError: after,
  });
  useEffect(() => {
    document.title = en.title(texts.title);
  }, []);
  if (take.error instanceof ApiProblem && take.error.status === 410) return <Gone />;
  const wait = { seconds, isBusy: take.isPending || seconds > 0, error: take.error };
  if (told?.user && !isAnother)
    return <Join name={told.user.name} {...wait} join={() => take.mutate({ token })} other={() => setAnother(true)} />;
  return <New isFirst={told?.needs_first_admin ?? false} {...wait} take={(who) => take.mutate({ token, ...who })} />;
}

interface Asked {
  seconds: number;
  isBusy: boolean;
  error: unknown;
}

function New({
  isFirst,
  seconds,
  isBusy,
  error,
  take,
}: Asked & { isFirst: boolean; take: (who: { name: string; password: string }) => void }) {
  const [typed, setTyped] = useState({ name: "", password: "" });
  const [isSent, setSent] = useState(false);
  const send = (fields: FormData) => {
    const who = { name: String(fields.get("name")).trim(), password: String(fields.get("password")) };
    setTyped(who);
    setSent(true);
    if (who.name !== "" && !isShort(who.password) && !isBusy) take(who);
  };
  const noName = isSent && typed.name === "" ? account.noName : undefined;
  const short = isSent && isShort(typed.password) ? account.short : undefined;
  const whole = noName || short ? undefined : wrongWhole(error, FIELDS);
  return (
    <Card title={isFirst ? texts.firstTitle : texts.title} send={send}>
      <p>{isFirst ? texts.firstDetail : texts.detail}</p>
      <CardField
        name="name"
        title={account.name}
        complete="username"
        wrong={noName ?? wrongField(error, "/name")}
        isFirst
      />
      <CardField
        name="password"
        title={account.password}
        kind="password"
        complete="new-password"
        detail={account.passwordHint}
        wrong={short ?? wrongField(error, "/password")}
      />
      {whole && <CardWrong>{whole}</CardWrong>}
      <Waiting seconds={seconds} />
      <Button type="submit" look="primary" disabled={isBusy}>
        {texts.go}
      </Button>
    </Card>
  );
}

function Join({
  name,
  seconds,
  isBusy,
  error,
  join,
  other,
}: Asked & { name: string; join: () => void; other: () => void }) {
  const wrong = wrongWhole(error, []);
  return (
    <Card title={texts.joinTitle(name)} send={join}>
      <p>{texts.joinDetail}</p>
      {wrong && <CardWrong>{wrong}</CardWrong>}
      <Waiting seconds={seconds} />
      <Button type="submit" look="primary" disabled={isBusy}>
        {texts.join(name)}
      </Button>
      <Button onClick={other}>{texts.other}</Button>
    </Card>
  );
}

function Gone() {
  return (
    <Card title={texts.goneTitle}>
      <p>{texts.goneDetail}</p>
      <p>
        <Link href="/" replace>
          {account.signIn.go}
        </Link>
      </p>
    </Card>
  );
}
