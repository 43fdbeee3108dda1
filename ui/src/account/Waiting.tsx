import { account as texts } from "../texts/en.account";

/** How long until one may try again; a screen reader that is told each second would say nothing else. */
export function Waiting({ seconds }: { seconds: number }) {
  return seconds > 0 && <p role="timer">{texts.again(seconds)}</p>;
}
