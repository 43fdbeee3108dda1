import { useState } from "react";
import { en } from "../texts/en";
import { Button } from "./Button";
import { Card, CardField } from "./Card";
import { givenName, wrongName } from "./who";

/** The first thing that a new browser shows while authentication is off. */
export function Who() {
  const [wrong, setWrong] = useState<ReturnType<typeof wrongName>>(null);
  const start = (fields: FormData) => {
    const name = String(fields.get("name") ?? "").trim();
    setWrong(wrongName(name));
    if (!wrongName(name)) givenName.set(name);
  };
  return (
    <Card title={en.who.title} send={start}>
      <p>{en.who.detail}</p>
      <CardField
        name="name"
        title={en.who.name}
        complete="username"
        wrong={wrong ? en.who.wrong[wrong] : undefined}
        isFirst
      />
      <Button type="submit" look="primary">
        {en.who.go}
      </Button>
    </Card>
  );
}
