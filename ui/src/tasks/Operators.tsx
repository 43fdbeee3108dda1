import { useState } from "react";
import { api } from "../api/client";
import { Confirm } from "../shell/Confirm";
import { may } from "../shell/may";
import { useMe } from "../shell/me";
import { operators as texts } from "../texts/en.operators";
import { changeOf, type Invited, parseNames } from "./invited";
import css from "./operators.module.css";
import type { Task } from "./streams";
import { useOperators } from "./useOperators";

interface ChoiceProps {
  invited: Invited;
  wrong?: string | undefined;
  change: (invited: Invited) => void;
}

/** Whether only some may label a task, and who. */
export function OperatorChoice({ invited, wrong, change }: ChoiceProps) {
  return (
    <div className={css.choice}>
      <label className={css.only}>
        <input type="checkbox" checked={invited !== null} onChange={() => change(invited === null ? [] : null)} />
        <span>
          {texts.only}
          <small>{texts.onlyHint}</small>
        </span>
      </label>
      {invited !== null && <Chosen invited={invited} change={change} />}
      {invited?.length === 0 && <p>{texts.nobody}</p>}
      {wrong && (
        <p className={css.wrong} role="alert">
          {wrong}
        </p>
      )}
    </div>
  );
}

function Chosen({ invited, change }: { invited: readonly string[]; change: (invited: Invited) => void }) {
  const { operators, error } = useOperators();
  if (error) return <p role="alert">{error.message}</p>;
  if (operators === undefined) return null;
  if (operators === null) return <Typed invited={invited} change={change} />;
  const left = invited.filter((id) => !operators.some((one) => one.id === id));
  const shown = [...operators, ...left.map((id) => ({ id, name: texts.left(id) }))];
  if (shown.length === 0) return <p>{texts.none}</p>;
  return (
    <fieldset className={css.people}>
      <legend>{texts.names}</legend>
      {shown.map(({ id, name }) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={invited.includes(id)}
            onChange={() => change(invited.includes(id) ? invited.filter((one) => one !== id) : [...invited, id])}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Where nobody knows who there is, names are typed. */
function Typed({ invited, change }: { invited: readonly string[]; change: (invited: Invited) => void }) {
  const [text, setText] = useState(() => invited.join("\n"));
  const type = (typed: string) => {
    setText(typed);
    change(parseNames(typed));
  };
  return (
    <label className={css.typed}>
      {texts.names}
      <textarea rows={3} value={text} onChange={(event) => type(event.target.value)} />
      <small>{texts.ids}</small>
    </label>
  );
}

/** Asks who may label a task that is there. */
export function ChangeOperators({ task, done, close }: { task: Task; done: () => void; close: () => void }) {
  const [invited, setInvited] = useState<Invited>(task.operators);
  const act = async () => {
    const params = { path: { task_id: task.id } };
    await api.PATCH("/api/tasks/{task_id}/operators", { params, body: changeOf(task.operators, invited) });
    return undefined;
  };
  return (
    <Confirm title={texts.title} detail={texts.detail} go={texts.go} act={act} done={done} close={close}>
      <OperatorChoice invited={invited} change={setInvited} />
    </Confirm>
  );
}

/** Who may label a task to which people were invited, and the way to change that. */
export function InvitedTo({ task, ask }: { task: Task; ask: () => void }) {
  const mayInvite = may(useMe(), "invite-operators");
  const { operators } = useOperators();
  if (!task.operators) return null;
  const names = task.operators.map((id) => operators?.find((one) => one.id === id)?.name ?? id);
  return (
    <p className={css.said}>
      {task.operators.length === 0
        ? texts.nobody
        : mayInvite
          ? texts.said(names)
          : texts.counted(task.operators.length)}{" "}
      {mayInvite && task.state !== "cancelled" && (
        <button type="button" onClick={ask}>
          {texts.change}
        </button>
      )}
    </p>
  );
}
