import { useState } from "react";
import { Button } from "../shell/Button";
import { newTask } from "../texts/en.newTask";
import { tasks } from "../texts/en.tasks";
import { DropZone } from "../upload/DropZone";
import { Selected } from "../upload/Selected";
import { isUnsealed } from "../upload/unsealed";
import { isUnderWay, upload } from "../upload/uploads";
import { useSelection } from "../upload/useSelection";
import { useUpload } from "../upload/useUpload";
import type { Task } from "./streams";
import css from "./task.module.css";

/** Where pictures are added to a task that is open; one upload of a task at a time. */
export function AddPictures({ task }: { task: Task }) {
  const pictures = useSelection();
  const running = useUpload(task.id);
  const [isSealed, setSealed] = useState(() => isUnsealed(task.id));
  if (isUnderWay(running)) return null;
  const { selection, isLooking, take, clear } = pictures;
  const send = () => {
    void upload(task.id, selection, isSealed, task.counts.images > 0);
    clear();
  };
  return (
    <section className={css.add} aria-label={tasks.page.add}>
      <DropZone take={take} {...(task.counts.images === 0 && { title: tasks.grid.emptyDrop })} />
      <Selected selection={selection} isLooking={isLooking} clear={clear} />
      {selection.ready.length + selection.refused.length > 0 && (
        <div className={css.send}>
          <label>
            <input type="checkbox" checked={isSealed} onChange={() => setSealed(!isSealed)} />
            {newTask.seal}
          </label>
          <Button look="primary" disabled={isLooking} onClick={send}>
            {tasks.page.upload}
          </Button>
        </div>
      )}
    </section>
  );
}
