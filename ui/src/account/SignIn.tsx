import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { Card, CardField, CardWrong } from "../shell/Card";
import { begin, session } from "../shell/session";
import { useStore } from "../shell/useStore";
import { en } from "../texts/en";
import { account as texts } from "../texts/en.account";
import { wrongWhole } from "./problems";
import { useWait } from "./useWait";
import { Waiting } from "./Waiting";
import { WithProvider } from "./WithProvider";

export default function SignIn() {
  const told = useStore(session);
  const { seconds, after } = useWait();
  const signIn = useMutation({
    mutationFn: async (fields: FormData) => {
      const [name, password] = [String(fields.get("name")).trim(), String(fields.get("password"))];
      if (name === "" || password === "") throw new Error(name === "" ? texts.noName : texts.noPassword);
      return bodyOf(await api.POST("/api/sessions", { body: { name, password } }));
    },
    onSuccess: begin,
    onError: after,
  });
  useEffect(() => {
    document.title = en.title(texts.signIn.title);
  }, []);
  const wrong = wrongWhole(signIn.error, []);
  return (
    <Card title={texts.signIn.title} send={(fields) => seconds === 0 && signIn.mutate(fields)}>
      {told?.needs_first_admin && <p>{texts.signIn.first}</p>}
      <CardField name="name" title={texts.name} complete="username" isFirst />
      <CardField name="password" title={texts.password} kind="password" complete="current-password" />
      {wrong && <CardWrong>{wrong}</CardWrong>}
      <Waiting seconds={seconds} />
      <Button type="submit" look="primary" disabled={signIn.isPending || seconds > 0}>
        {texts.signIn.go}
      </Button>
      {told?.provider && <WithProvider name={told.provider} />}
    </Card>
  );
}
