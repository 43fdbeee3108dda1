import { type ClipboardEvent, type DragEvent, type KeyboardEvent, useRef, useState } from "react";
import { Icon } from "../marks/Icon";
import { Button, IconButton } from "../shell/Button";
import { useMe } from "../shell/me";
import { newTask } from "../texts/en.newTask";
import { bytesOver, labelFaults, moved, parseLabels } from "./labels";
import css from "./newTask.module.css";

const texts = newTask.labels;
const SHOWN_AT_ONCE = 200;

interface LabelEditorProps {
  labels: readonly string[];
  allowUnsure: boolean;
  wrong: string | undefined;
  change: (labels: readonly string[]) => void;
}

/** The label set: typed or pasted, in the order that gives the keys. */
export function LabelEditor({ labels, allowUnsure, wrong, change }: LabelEditorProps) {
  const [typed, setTyped] = useState("");
  const [dragged, setDragged] = useState<number | null>(null);
  const list = useRef<HTMLOListElement>(null);
  const { max_labels } = useMe().limits;
  const faults = labelFaults(labels, allowUnsure);
  const add = (text: string) => {
    change([...labels, ...parseLabels(text)]);
    setTyped("");
  };
  const move = (from: number, to: number) => {
    change(moved(labels, from, to));
    requestAnimationFrame(() => list.current?.querySelectorAll("input")[to]?.focus());
  };
  const says = whole(labels, max_labels) ?? wrong;
  return (
    <div className={css.field}>
      <label htmlFor="labels">{texts.title}</label>
      {labels.length > 0 && (
        <ol ref={list} className={css.labels} aria-label={texts.count(labels.length)}>
          {labels.slice(0, SHOWN_AT_ONCE).map((label, position) => (
            <LabelRow
              // biome-ignore lint/suspicious/noArrayIndexKey: labels are told apart by their place while they are edited
              key={position}
              position={position}
              label={label}
              fault={faults.get(position) ? texts.faults[faults.get(position) ?? "duplicate"] : undefined}
              drag={(event: DragEvent) => {
                event.dataTransfer.effectAllowed = "move";
                setDragged(position);
              }}
              drop={() => dragged !== null && move(dragged, position)}
              isDragging={dragged !== null}
              rename={(text) => change(labels.with(position, text))}
              remove={() => change(labels.toSpliced(position, 1))}
              move={(by) => move(position, Math.min(Math.max(position + by, 0), labels.length - 1))}
            />
          ))}
        </ol>
      )}
      {labels.length > SHOWN_AT_ONCE && <p className={css.hint}>{texts.count(labels.length)}</p>}
      <div className={css.adding}>
        <input
          id="labels"
          value={typed}
          placeholder={labels.length === 0 ? texts.example : undefined}
          aria-describedby="labels-hint"
          aria-invalid={says !== undefined || faults.size > 0}
          onChange={(event) => setTyped(event.target.value)}
          onPaste={(event: ClipboardEvent) => {
            const text = event.clipboardData.getData("text");
            if (parseLabels(text).length < 2) return;
            event.preventDefault();
            add(text);
          }}
          onKeyDown={(event: KeyboardEvent) => {
            if (event.key !== "Enter" || event.nativeEvent.isComposing || typed.trim() === "") return;
            event.preventDefault();
            add(typed);
          }}
          onBlur={() => typed.trim() !== "" && add(typed)}
        />
        <Button onClick={() => add(typed)}>{texts.add}</Button>
      </div>
      <p id="labels-hint" className={css.hint}>
        {texts.hint} {labels.length > 1 && texts.moving}
      </p>
      {says && (
        <p className={css.wrong} role="alert">
          {says}
        </p>
      )}
    </div>
  );
}

function whole(labels: readonly string[], most: number): string | undefined {
  if (labels.length > most) return texts.tooMany(most);
  const over = bytesOver(labels);
  return over > 0 ? texts.over(over) : undefined;
}

interface LabelRowProps {
  position: number;
  label: string;
  fault: string | undefined;
  isDragging: boolean;
  drag: (event: DragEvent) => void;
  drop: () => void;
  rename: (text: string) => void;
  remove: () => void;
  move: (by: number) => void;
}

function LabelRow({ position, label, fault, isDragging, drag, drop, rename, remove, move }: LabelRowProps) {
  return (
    <li
      className={css.labelRow}
      onDragOver={(event) => isDragging && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        drop();
      }}
    >
      <span className={css.handle} draggable onDragStart={drag} aria-hidden="true">
        {position + 1}
      </span>
      <input
        value={label}
        aria-label={texts.name(position + 1)}
        aria-invalid={fault !== undefined}
        aria-describedby={fault && `label-fault-${position}`}
        onChange={(event) => rename(event.target.value)}
        onKeyDown={(event) => {
          const by = event.altKey ? { ArrowUp: -1, ArrowDown: 1 }[event.key] : undefined;
          if (by === undefined) return;
          event.preventDefault();
          move(by);
        }}
      />
      <IconButton name={texts.up(label)} onClick={() => move(-1)} disabled={position === 0}>
        <Icon name="up" />
      </IconButton>
      <IconButton name={texts.down(label)} onClick={() => move(1)}>
        <Icon name="down" />
      </IconButton>
      <IconButton name={texts.remove(label)} onClick={remove}>
        <Icon name="cross" />
      </IconButton>
      {fault && (
        <p id={`label-fault-${position}`} className={css.wrong}>
          {fault}
        </p>
      )}
    </li>
  );
}
