import { useState } from "react";
import { en } from "../texts/en";
import { Button } from "./Button";

/** A button that copies a text, and says that it has. */
export function Copy({ name, text }: { name: string; text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <Button isCompact onClick={copy}>
      {isCopied ? en.states.copied : name}
    </Button>
  );
}
