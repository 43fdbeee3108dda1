import { Button } from "../shell/Button";
import { people } from "../texts/en.account";
import css from "./admin.module.css";

/** The way to the rest of a list that comes in pages. */
export function More({
  pages,
}: {
  pages: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}) {
  if (!pages.hasNextPage) return null;
  return (
    <p className={css.more}>
      <Button disabled={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
        {people.more}
      </Button>
    </p>
  );
}
