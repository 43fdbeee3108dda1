import { type DragEvent, useEffect, useRef, useState } from "react";
import { Button } from "../shell/Button";
import { upload as texts } from "../texts/en.upload";
import css from "./upload.module.css";
import { type Source, walkEntries, walkFiles } from "./walk";

type Take = (sources: AsyncIterable<Source> | Iterable<Source>) => void;

interface DropZoneProps {
  take: Take;
  title?: string;
  detail?: string;
}

/** Where files come in: dropped, or chosen by a button, for nobody has to drag. */
export function DropZone({ take, title = texts.drop.title, detail = texts.drop.detail }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    // Entries can be asked for only while the event lasts.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry());
    take(walkEntries(entries.filter((entry) => entry !== null)));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a drop is for the mouse alone; the buttons do the same
    <div
      className={`${css.zone} ${isOver ? css.over : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <strong>{title}</strong>
      <p>{detail}</p>
      <div className={css.choose}>
        <Chooser name={texts.drop.files} take={take} />
        <Chooser name={texts.drop.folder} take={take} isFolder />
      </div>
    </div>
  );
}

function Chooser({ name, take, isFolder = false }: { name: string; take: Take; isFolder?: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.webkitdirectory = isFolder;
  }, [isFolder]);
  return (
    <>
      <Button onClick={() => input.current?.click()}>{name}</Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={name}
        onChange={(event) => {
          take(walkFiles([...(event.target.files ?? [])]));
          event.target.value = "";
        }}
      />
    </>
  );
}
