import { useRef, useState } from "react";
import { Button } from "../shell/Button";
import { prefs } from "../shell/prefs";
import { saveFile } from "../shell/save";
import { settings } from "../texts/en.settings";
import css from "./settings.module.css";
import { exported, imported, MOST_BYTES } from "./transfer";

const texts = settings.transfer;

/** Settings to a file, and from one. */
export function Transfer() {
  const file = useRef<HTMLInputElement>(null);
  const [said, setSaid] = useState("");
  const read = async (chosen: File) => setSaid(await take(chosen));
  return (
    <div className={css.row}>
      <div>
        <p>{texts.detail}</p>
        <p role="status">{said}</p>
      </div>
      <div className={css.deeds}>
        <Button onClick={() => saveFile(texts.file, "application/json", [exported(prefs.get())])}>{texts.save}</Button>
        <Button onClick={() => file.current?.click()}>{texts.load}</Button>
        <input
          ref={file}
          type="file"
          accept=".json,application/json"
          aria-label={texts.load}
          hidden
          onChange={({ currentTarget }) => {
            const [chosen] = currentTarget.files ?? [];
            if (chosen) void read(chosen);
            currentTarget.value = ""; // the same file may be chosen again
          }}
        />
      </div>
    </div>
  );
}

/** Takes a file's settings, or says why not. */
async function take(file: File): Promise<string> {
  if (file.size > MOST_BYTES) return texts.large;
  let text: string;
  try {
    text = await file.text();
  } catch {
    return texts.unreadable; // removed, or not ours to read
  }
  const taken = imported(text);
  if (!("why" in taken)) prefs.set(taken.prefs);
  return !("why" in taken) ? texts.done : taken.why === "wrong" ? texts.wrong(taken.names) : texts[taken.why];
}
