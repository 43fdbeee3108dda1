import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, bodyOf } from "../api/client";
import { Button } from "../shell/Button";
import { Confirm } from "../shell/Confirm";
import { Dialog } from "../shell/Dialog";
import { Failure } from "../shell/States";
import { admin as texts } from "../texts/en.admin";
import { moment } from "../texts/en.tasks";
import css from "./admin.module.css";
import { Section, Table } from "./Table";

const LETTERS = 200;

/** Events that could not be handled: read, replayed, or discarded for good. */
export function DeadLetters({ count }: { count: number | null }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<readonly string[] | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  const [discarded, setDiscarded] = useState<string | null>(null);
  const [replayed, setReplayed] = useState<number | null>(null);
  const letters = useQuery({
    queryKey: ["admin", "dead", count],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/admin/dead", { params: { query: { limit: LETTERS } }, signal })),
  });
  const replay = async () => {
    const answer = bodyOf(await api.POST("/api/admin/dead/replay", { body: { ids: asked ? [...asked] : null } }));
    setReplayed(answer.replayed);
    return undefined;
  };
  const discard = async () => {
    if (discarded) await api.DELETE("/api/admin/dead/{letter_id}", { params: { path: { letter_id: discarded } } });
    return undefined;
  };
  const anew = () => client.invalidateQueries({ queryKey: ["admin"] });
  const items = letters.data?.items ?? [];
  const { died, queue, subject, reason } = texts.letter;
  const all = items.length > 0 && (
    <Button isCompact onClick={() => setAsked(items.map(({ id }) => id))}>
      {texts.replayAll(items.length)}
    </Button>
  );
  return (
    <Section title={texts.dead} action={all}>
      {letters.error && <Failure error={letters.error} retry={() => letters.refetch()} />}
      {letters.data && items.length === 0 && <p>{texts.noLetters}</p>}
      {replayed !== null && <p role="status">{texts.replayed(replayed)}</p>}
      {items.length > 0 && (
        <Table name={texts.dead} heads={[died, queue, subject, reason, texts.acts]}>
          {items.map((letter) => (
            <tr key={letter.id}>
              <td>{moment(letter.died_at)}</td>
              <td>{letter.queue}</td>
              <td>{letter.subject}</td>
              <td className={css.reason}>{letter.reason}</td>
              <td className={css.acts}>
                <Button isCompact onClick={() => setShown(letter.id)}>
                  {texts.payload}
                </Button>
                <Button isCompact onClick={() => setAsked([letter.id])}>
                  {texts.replay}
                </Button>
                <Button isCompact look="danger" onClick={() => setDiscarded(letter.id)}>
                  {texts.discard}
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {asked && (
        <Confirm
          title={asked.length === 1 ? texts.replay : texts.replayAll(asked.length)}
          detail={texts.replayDetail}
          go={texts.replay}
          act={replay}
          done={anew}
          close={() => setAsked(null)}
        />
      )}
      {shown && <Payload letter={shown} close={() => setShown(null)} />}
      {discarded && (
        <Confirm
          title={texts.discardTitle}
          detail={texts.discardDetail}
          go={texts.discard}
          isDangerous
          act={discard}
          done={anew}
          close={() => setDiscarded(null)}
        />
      )}
    </Section>
  );
}

function Payload({ letter, close }: { letter: string; close: () => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["admin", "letter", letter],
    queryFn: async ({ signal }) =>
      bodyOf(await api.GET("/api/admin/dead/{letter_id}", { params: { path: { letter_id: letter } }, signal })),
  });
  return (
    <Dialog title={texts.payload} close={close}>
      {error && <Failure error={error} retry={refetch} />}
      {data && <pre className={css.payload}>{indented(data.payload)}</pre>}
    </Dialog>
  );
}

/** JSON in lines; what is none stays as it is. */
function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
