/** What a client may do with a task, each asked for by a dialog. */
import { useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api, type Schemas } from "../api/client";
import { Bucket } from "../imports/Bucket";
import { LabelFile } from "../imports/LabelFile";
import { Confirm, Field } from "../shell/Confirm";
import { tasks } from "../texts/en.tasks";
import { parseLabels } from "./labels";
import { ChangeOperators } from "./Operators";
import type { Task } from "./streams";
import { imagesKey } from "./useImages";
import { taskKey } from "./useTask";

const texts = tasks.dialogs;

export type Deed =
  | "bucket"
  | "labels"
  | "seal"
  | "reopen"
  | "finish"
  | "edit"
  | "invite"
  | "erase"
  | { remove: string };

/** The deeds that a task's state allows. */
export function deedsOf(task: Task): readonly Exclude<Deed, object>[] {
  const labels = task.detector.mode === "off" ? [] : (["labels"] as const);
  if (task.state === "open") return ["bucket", ...labels, "seal", "edit", "invite", "finish", "erase"];
  if (task.state === "sealed") return [...labels, "edit", "invite", "reopen", "finish", "erase"];
  if (task.state === "completed") return ["edit", "reopen", "erase"];
  return [];
}

interface DeedProps {
  task: Task;
  close: () => void;
}

export function DeedDialog({ deed, ...rest }: DeedProps & { deed: Deed }) {
  if (typeof deed === "object") return <Remove image={deed.remove} {...rest} />;
  if (deed === "bucket") return <Bucket task={rest.task.id} close={rest.close} />;
  const Dialog = {
    labels: Labels,
    seal: Seal,
    reopen: Reopen,
    finish: Finish,
    edit: Edit,
    invite: Invite,
    erase: Erase,
  }[deed];
  return <Dialog {...rest} />;
}

/** Reads the task and its images anew. */
function useChanged(task: Task): () => void {
  const client = useQueryClient();
  return () => {
    void client.invalidateQueries({ queryKey: taskKey(task.id) });
    void client.invalidateQueries({ queryKey: imagesKey(task.id) });
    void client.invalidateQueries({ queryKey: ["tasks"] });
  };
}

const pathOf = (task: Task) => ({ params: { path: { task_id: task.id } } });

function Invite({ task, close }: DeedProps) {
  return <ChangeOperators task={task} done={useChanged(task)} close={close} />;
}

function Labels({ task, close }: DeedProps) {
  return <LabelFile task={task.id} done={useChanged(task)} close={close} />;
}

function Seal({ task, close }: DeedProps) {
  const act = async () => void (await api.POST("/api/tasks/{task_id}/seal", pathOf(task)));
  return <Confirm {...texts.seal} act={act} done={useChanged(task)} close={close} />;
}

function Reopen({ task, close }: DeedProps) {
  const act = async () => void (await api.POST("/api/tasks/{task_id}/reopen", pathOf(task)));
  return <Confirm {...texts.reopen} act={act} done={useChanged(task)} close={close} />;
}

function Finish({ task, close }: DeedProps) {
  const act = async (fields: FormData) => {
    const reason = String(fields.get("reason")).trim();
    if (!reason) return texts.reasonNeeded;
    await api.POST("/api/tasks/{task_id}/finish", { ...pathOf(task), body: { reason } });
    return undefined;
  };
  return (
    <Confirm {...texts.finish} isDangerous act={act} done={useChanged(task)} close={close}>
      <Field name="reason" title={texts.reason}>
        {(field) => <textarea {...field} rows={3} maxLength={2000} required />}
      </Field>
    </Confirm>
  );
}

function Erase({ task, close }: DeedProps) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const act = async (fields: FormData) => {
    if (String(fields.get("name")).trim() !== task.name.trim()) return texts.erase.wrong;
    await Promise.all([imagesKey, taskKey].map((of) => client.cancelQueries({ queryKey: of(task.id) })));
    await api.DELETE("/api/tasks/{task_id}", pathOf(task));
    return undefined;
  };
  const done = () => {
    void client.invalidateQueries({ queryKey: ["tasks"] });
    navigate("/tasks");
  };
  return (
    <Confirm
      title={texts.erase.title}
      detail={texts.erase.detail}
      go={texts.erase.go}
      isDangerous
      act={act}
      done={done}
      close={close}
    >
      <Field name="name" title={texts.erase.type(task.name)}>
        {(field) => <input {...field} autoComplete="off" required />}
      </Field>
    </Confirm>
  );
}

function Remove({ task, image, close }: DeedProps & { image: string }) {
  const act = async () => {
    const params = { path: { task_id: task.id, image_id: image } };
    await api.DELETE("/api/tasks/{task_id}/images/{image_id}", { params });
    return undefined;
  };
  return <Confirm {...texts.remove} isDangerous act={act} done={useChanged(task)} close={close} />;
}

const NAMED = "named ";

function Edit({ task, close }: DeedProps) {
  const { edit } = texts;
  const act = async (fields: FormData) => {
    await api.PATCH("/api/tasks/{task_id}", { ...pathOf(task), body: changeOf(task, fields) });
    return undefined;
  };
  return (
    <Confirm title={edit.title} go={edit.go} act={act} done={useChanged(task)} close={close}>
      <Field name="name" title={edit.name}>
        {(field) => <input {...field} defaultValue={task.name} maxLength={200} required />}
      </Field>
      <Field name="instructions" title={edit.instructions} hint={edit.instructionsHint}>
        {(field) => <textarea {...field} defaultValue={task.instructions ?? ""} rows={5} maxLength={10_000} />}
      </Field>
      <Field name="votes_required" title={edit.votes}>
        {(field) => (
          <input {...field} type="number" min={1} max={100} defaultValue={task.quorum.votes_required} required />
        )}
      </Field>
      <Field name="add_labels" title={edit.add} hint={edit.addHint}>
        {(field) => <textarea {...field} rows={2} />}
      </Field>
      <details>
        <summary>{edit.names}</summary>
        <p>{edit.namesHint}</p>
        {task.labels.map((label) => (
          <Field key={label} name={NAMED + label} title={label}>
            {(field) => (
              <input {...field} defaultValue={task.label_names[label] ?? ""} placeholder={label} maxLength={200} />
            )}
          </Field>
        ))}
      </details>
    </Confirm>
  );
}

/** What the fields ask to be changed: only what differs. */
export function changeOf(task: Task, fields: FormData): Schemas["TaskChange"] {
  const text = (name: string) => String(fields.get(name) ?? "").trim();
  const votes = Number(text("votes_required"));
  const names = task.labels
    .map((label) => [label, text(NAMED + label)] as const)
    .filter(([label, name]) => name !== (task.label_names[label] ?? ""));
  return {
    add_labels: parseLabels(text("add_labels")),
    label_names: Object.fromEntries(names),
    ...(text("name") !== task.name && { name: text("name") }),
    ...(text("instructions") !== (task.instructions ?? "") && { instructions: text("instructions") }),
    ...(votes !== task.quorum.votes_required && { votes_required: votes }),
  };
}
